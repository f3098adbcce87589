//! The sample shop. All of its values have an exact home in PostgreSQL too.

use random::Random;
use rusqlite::{Connection, Result, params};

#[path = "../random.rs"]
mod random;

const CUSTOMERS: u32 = 700;
const PRODUCTS: u32 = 400;
const ORDERS: u32 = 1_600;
const FIRST: &[&str] = &[
    "Ada",
    "Björn",
    "Chloé",
    "Dmitri",
    "Elif",
    "François",
    "Grace",
    "Hans",
    "Inés",
    "Jürgen",
    "Kateřina",
    "Łukasz",
    "Márta",
    "Nguyễn",
    "Øyvind",
    "Παύλος",
    "Юлия",
    "李",
];
const LAST: &[&str] = &[
    "Müller",
    "O'Brien",
    "García",
    "Nowak",
    "Smith-Jones",
    "de la Cruz",
    "Weiß",
    "Åström",
    "Иванова",
    "王",
];
const CITIES: &[&str] = &["Berlin", "Köln", "München", "Saarbrücken", "Wien", "Zürich"];
const NOUNS: &[&str] = &[
    "lamp",
    "chair",
    "Tisch",
    "Schüssel",
    "kettle",
    "brush",
    "scarf",
    "Uhr",
    "notebook",
    "bag",
];
const COLOURS: &[&str] = &["red", "blue", "green", "grün-weiß", "black"];

/// Makes tables, rows and all other objects in the empty database behind `connection`.
pub(crate) fn build(connection: &Connection) -> Result<()> {
    connection.execute_batch(
        "PRAGMA foreign_keys = OFF; PRAGMA user_version = 7; PRAGMA application_id = 1397248848; BEGIN;",
    )?;
    connection.execute_batch(include_str!("schema.sql"))?;
    let mut random = Random::new(1);
    goods(connection, &mut random)?;
    people(connection, &mut random)?;
    trade(connection, &mut random)?;
    house(connection, &mut random)?;
    oddities(connection)?;
    connection.execute_batch(include_str!("objects.sql"))?;
    connection.execute_batch("COMMIT; ANALYZE;")
}

/// Categories, products, images, tags and the search over them.
fn goods(connection: &Connection, random: &mut Random) -> Result<()> {
    let mut category = connection.prepare("INSERT INTO categories VALUES (?, ?, ?, ?)")?;
    for id in 1..=40_u32 {
        let parent = (id > 6).then(|| 1 + random.below(6));
        let name = format!("{} {id}", random.pick(NOUNS));
        category.execute(params![id, parent, name, random.below(10)])?;
    }
    for id in 1..=PRODUCTS {
        product(connection, random, id)?;
    }
    // Products were deleted once: the sequence is ahead of the largest id.
    connection.execute(
        "UPDATE sqlite_sequence SET seq = 512 WHERE name = 'products'",
        [],
    )?;
    let mut image = connection.prepare("INSERT INTO images VALUES (?, ?, ?, ?)")?;
    for id in 1..=60_u32 {
        let mime = random.pick(&["image/jpeg", "image/png"]);
        let length = if id == 60 {
            0
        } else {
            2_000 + random.below(12_000) as usize
        };
        image.execute(params![
            id,
            1 + random.below(PRODUCTS),
            mime,
            random.bytes(length)
        ])?;
    }
    let mut tag = connection.prepare("INSERT OR IGNORE INTO tags VALUES (?, ?, ?)")?;
    for _ in 0..300 {
        let weight = (!random.once_in(5)).then(|| random.below(100));
        tag.execute(params![
            1 + random.below(PRODUCTS),
            random.pick(COLOURS),
            weight
        ])?;
    }
    Ok(())
}

fn product(connection: &Connection, random: &mut Random, id: u32) -> Result<()> {
    let colour = random.pick(COLOURS);
    let name = format!("{colour} {} {id}", random.pick(NOUNS));
    let attributes = (!random.once_in(8)).then(|| {
        let size = random.below(90);
        format!(r#"{{"colour": "{colour}", "size": {size}, "tags": ["new", "s\u00fc\u00df"], "stock": {{"kiel": null}}}}"#)
    });
    let weight = (!random.once_in(10)).then(|| random.fraction() * 20.0);
    let released = (!random.once_in(7)).then(|| random.day());
    connection.execute(
        "INSERT INTO products (id, sku, name, category_id, price, weight_kg, active, attributes, uuid, released)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id,
            format!("SKU-{id:05}"),
            name,
            1 + random.below(40),
            random.money(900),
            weight,
            !random.once_in(9),
            attributes,
            uuid(random),
            released
        ],
    )?;
    connection.execute(
        "INSERT INTO product_search (rowid, name, description) VALUES (?, ?, ?)",
        params![
            id,
            name,
            format!("A fine {name}, für drinnen und draußen 🙂")
        ],
    )?;
    Ok(())
}

fn uuid(random: &mut Random) -> String {
    let (high, low) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// Customers and their addresses; some addresses are orphans.
fn people(connection: &Connection, random: &mut Random) -> Result<()> {
    let mut customer =
        connection.prepare("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    let mut address = connection.prepare("INSERT INTO addresses VALUES (?, ?, ?, ?, ?, ?)")?;
    for id in 1..=CUSTOMERS {
        let name = format!("{} {}", random.pick(FIRST), random.pick(LAST));
        let email = (!random.once_in(12)).then(|| format!("Kunde{id}@Example.ORG"));
        let phone = random.pick(&[Some("+49 30 901820"), Some(""), None].each_ref());
        let born = random.once_in(2).then(|| random.day());
        let created = format!("{} {}", random.day(), random.time());
        let seen =
            (!random.once_in(4)).then(|| format!("{}T{}+02:00", random.day(), random.time()));
        let remarks =
            random.pick(&[None, Some(""), Some("VIP 👑"), Some("line 1\nline 2\t\\N")].each_ref());
        customer.execute(params![
            id,
            name,
            email,
            phone,
            born,
            created,
            seen,
            random.once_in(3),
            remarks
        ])?;
        for kind in ["home", "work"].iter().take(1 + random.below(2) as usize) {
            let street = format!("{}straße {}", random.pick(LAST), 1 + random.below(99));
            let postcode = format!("{:05}", random.below(99_999));
            address.execute(params![
                id,
                kind,
                street,
                postcode,
                random.pick(CITIES),
                "DE"
            ])?;
        }
    }
    address.execute(params![9_001, "home", "Nirgends 1", "00000", "Köln", "DE"])?;
    address.execute(params![
        9_002,
        "pick-up",
        "Nirgends 2",
        "00000",
        "Wien",
        "AT"
    ])?;
    Ok(())
}

/// Orders, their lines, payments and the log; a few lines name products that are gone.
fn trade(connection: &Connection, random: &mut Random) -> Result<()> {
    let mut order = connection.prepare("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    let mut line = connection.prepare("INSERT INTO order_lines VALUES (?, ?, ?, ?, ?)")?;
    let mut payment = connection.prepare("INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    let mut log = connection.prepare(
        "INSERT INTO audit_log (rowid, at, actor, action, detail) VALUES (?, ?, ?, ?, ?)",
    )?;
    for id in 1..=ORDERS {
        let placed = format!("{} {}", random.day(), random.time());
        let status = random.pick(&["open", "paid", "shipped", "returned"]);
        let shipped = (status == "shipped").then(|| placed.replacen("20", "21", 1));
        let ship_to = random.once_in(2).then_some("home");
        let discount = if random.once_in(5) {
            random.fraction() / 4.0
        } else {
            0.0
        };
        let customer = 1 + random.below(CUSTOMERS);
        order.execute(params![
            id, customer, ship_to, status, placed, shipped, discount
        ])?;
        for number in 1..=1 + random.below(4) {
            let product = if random.once_in(900) {
                5_000
            } else {
                1 + random.below(PRODUCTS)
            };
            line.execute(params![
                id,
                number,
                product,
                1 + random.below(5),
                random.money(900)
            ])?;
        }
        if status != "open" {
            let ip = random
                .once_in(2)
                .then(|| format!("192.0.2.{}", random.below(256)));
            let reference = (!random.once_in(3)).then(|| format!("RF{:06}", random.below(999_999)));
            let method = random.pick(&["card", "invoice", "voucher"]);
            let paid_at = placed.replacen(' ', "T", 1) + "Z";
            payment.execute(params![
                id,
                id,
                method,
                random.money(2_000),
                paid_at,
                ip,
                reference
            ])?;
        }
        // Deleted entries leave gaps in the rowids.
        if !random.once_in(7) {
            let detail = random.pick(&[Some("ok"), Some("naïve café"), Some(""), None].each_ref());
            log.execute(params![
                id * 3,
                placed,
                random.pick(&[Some("web"), None].each_ref()),
                "order placed",
                detail
            ])?;
        }
    }
    log.execute(params![
        -5,
        "2019-01-01 00:00:00",
        None::<&str>,
        "before the beginning",
        17
    ])?;
    Ok(())
}

/// Departments and employees, which refer to each other, and areas on the map.
fn house(connection: &Connection, random: &mut Random) -> Result<()> {
    for (id, name) in [(1, "Einkauf"), (2, "Verkauf"), (3, "Lager")] {
        connection.execute(
            "INSERT INTO departments VALUES (?, ?, ?)",
            params![id, name, (id < 3).then_some(id * 10)],
        )?;
    }
    for id in 1..=40_u32 {
        let name = format!("{} {}", random.pick(FIRST), random.pick(LAST));
        connection.execute(
            "INSERT INTO employees VALUES (?, ?, ?, ?, ?)",
            params![
                id,
                name,
                1 + random.below(3),
                (id > 3).then(|| 1 + random.below(3)),
                random.time()
            ],
        )?;
        let (x, y) = (random.fraction() * 90.0, random.fraction() * 90.0);
        connection.execute(
            "INSERT INTO store_areas VALUES (?, ?, ?, ?, ?)",
            params![id, x, x + 1.5, y, y + 0.25],
        )?;
    }
    Ok(())
}

/// The ends of the number ranges, names that need quoting, and settings of every class.
fn oddities(connection: &Connection) -> Result<()> {
    let values = [
        0.0,
        -0.0,
        0.1,
        1e300,
        -1e-300,
        5e-324,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1.0 / 3.0,
        1e16,
        123_456_789.0,
        9_007_199_254_740_993.0,
    ];
    let counters = [
        i64::MIN,
        i64::MAX,
        0,
        -1,
        9_007_199_254_740_993,
        2_147_483_648,
    ];
    for (id, value) in (1_i64..).zip(values) {
        let counter = counters.get(usize::try_from(id - 1).unwrap_or(usize::MAX));
        connection.execute(
            "INSERT INTO measurements VALUES (?, ?, ?, ?)",
            params![id, format!("sensor {}", id % 3), value, counter],
        )?;
    }
    connection.execute_batch(
        "INSERT INTO measurements VALUES (9223372036854775807, 'last', NULL, NULL), (-7, 'negative', 1.5, 0);
         INSERT INTO settings VALUES
           ('currency', 'EUR', 1700000000, 1.0, NULL), ('limit', 9223372036854775807, NULL, 0.5, x'00ff10'),
           ('ratio', 0.25, 1, NULL, x''), ('empty', '', 0, -2.5, NULL), ('none', NULL, NULL, NULL, NULL);
         INSERT INTO \"select\" VALUES (1, 'having', '2024-02-29'), (2, NULL, NULL), (40, '', '1970-01-01');
         INSERT INTO \"Größen und Maße\" VALUES ('größer', 180.5, 1), ('Größe', 170.0, 2), ('', 0.0, NULL), ('日本 🗾', 1e-7, 3);
         INSERT INTO \"we\"\"ird\" VALUES ('\"', 1, '''', 0.5), ('a,b', NULL, 'tab' || char(9), NULL), ('\\', -1, '', 2.0);",
    )
}
