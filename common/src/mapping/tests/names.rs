//! Names of tables, columns and what hangs on them.

use super::support::*;
use crate::mapping::NameRule;
use crate::mapping::expression::Expression;

#[test]
fn names_that_postgresql_does_not_take_are_changed_and_told() {
    let long = "n".repeat(64);
    let mut database = Database::default();
    database.table(table("", vec![integer("a")]), &[]);
    let odd = ["ctid", "", "CTID", "oid", "unnamed"];
    let odd = odd.iter().map(|name| integer(name)).collect();
    database.table(table("a\0b", odd), &[]);
    database.table(table(&long, vec![integer(&long), integer("select")]), &[]);
    database.table(table(&long[1..], vec![integer("XMIN")]), &[]);
    let plan = database.plan();
    let names: Vec<&str> = plan
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    let short = format!("{}_1", "n".repeat(61));
    assert_eq!(names, ["unnamed", "ab", &short, &long[1..]]);
    let columns: Vec<&str> = plan.tables[1]
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(columns, ["ctid_1", "unnamed_1", "CTID", "oid", "unnamed"]);
    assert_eq!(
        plan.listed(),
        [
            "Warning name-changed : the table `` becomes `unnamed`: its name is empty".to_owned(),
            "Warning name-changed a\0b: the table `a\0b` becomes `ab`: its name holds a NUL character".to_owned(),
            "Warning name-changed a\0b.: the column `` becomes `unnamed_1`: its name is empty".to_owned(),
            "Warning name-changed a\0b.ctid: the column `ctid` becomes `ctid_1`: its name is that of a system column".to_owned(),
            format!("Warning name-changed {long}: the table `{long}` becomes `{short}`: its name is longer than 63 bytes"),
            format!("Warning name-changed {long}.{long}: the column `{long}` becomes `{}`: its name is longer than 63 bytes", &long[1..]),
        ]
    );
}

#[test]
fn folded_names_stand_wherever_the_plan_names_a_column() {
    let mut database = Database::default();
    let mut customers = numbered(
        "Customers",
        vec![integer("CustomerID"), column("E Mail", "TEXT")],
    );
    customers.unique.push(key(&["e mail"]));
    database.table(customers, &[&[int(1)], &[text("a")]]);
    let mut orders = table(
        "Order Details",
        vec![
            integer("CustomerID"),
            integer("customerId"),
            integer("note"),
        ],
    );
    orders.columns[1].name = "Customer_ID".to_owned();
    orders
        .indexes
        .push(index("ByCustomer", false, &["customerid", "NOTE"]));
    let mut reference = foreign_key(&["customerid"], "CUSTOMERS", &["customerID"]);
    reference.name = Some("FK Customer".to_owned());
    orders.foreign_keys.push(reference);
    database.table(orders, &[&[int(1)]]);
    let plan = database.plan_with(NameRule::Fold);
    let customers = plan.table("customers");
    assert_eq!(
        customers.primary_key.as_ref().unwrap().name,
        "customers_pkey"
    );
    assert_eq!(customers.unique[0].name, "customers_e_mail_key");
    assert_eq!(customers.unique[0].columns, ["e_mail"]);
    let orders = plan.table("order_details");
    let columns: Vec<&str> = orders
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(columns, ["customer_id", "customer_id_1", "note"]);
    assert_eq!(orders.indexes[0].name, "by_customer");
    assert_eq!(
        orders.indexes[0].terms[0].on,
        Expression::Column("customer_id".to_owned())
    );
    let reference = &orders.foreign_keys[0];
    assert_eq!(reference.name, "fk_customer");
    assert_eq!(
        (&reference.columns[0], &reference.parent_columns[0]),
        (&columns[0].to_owned(), &columns[0].to_owned())
    );
    assert_eq!(
        plan.listed(),
        [
            "Note name-changed Customers: names of the table and its columns are folded to lower case [`Customers` becomes `customers`; `CustomerID` becomes `customer_id`; `E Mail` becomes `e_mail`]",
            "Note name-changed Order Details: names of the table and its columns are folded to lower case [`Order Details` becomes `order_details`; `CustomerID` becomes `customer_id`; `Customer_ID` becomes `customer_id_1`]",
            "Warning name-changed Order Details.Customer_ID: the column `Customer_ID` becomes `customer_id_1`: its name is taken",
        ]
    );
}
