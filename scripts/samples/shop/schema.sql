CREATE TABLE categories (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES categories (id) ON DELETE SET NULL,
  name TEXT NOT NULL,
  position INTEGER NOT NULL DEFAULT 0,
  UNIQUE (parent_id, name)
);
CREATE TABLE products (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sku VARCHAR(20) NOT NULL UNIQUE,
  name TEXT NOT NULL,
  category_id INTEGER REFERENCES categories (id),
  price DECIMAL(10,2) NOT NULL CHECK (price >= 0),
  weight_kg REAL,
  active BOOLEAN NOT NULL DEFAULT 1,
  attributes JSON CHECK (attributes IS NULL OR json_valid(attributes)),
  uuid UUID NOT NULL,
  released DATE,
  price_with_tax DECIMAL(10,2) GENERATED ALWAYS AS (round(price * 1.19, 2)) VIRTUAL,
  search_name TEXT AS (lower(name)) STORED
);
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT COLLATE NOCASE,
  phone TEXT, -- '' is "has none", NULL is "not asked"
  born DATE,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  last_seen TEXT,
  newsletter BOOLEAN NOT NULL DEFAULT FALSE,
  remarks TEXT
);
CREATE TABLE addresses (
  customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE ON UPDATE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('home', 'work', 'pick-up')),
  street TEXT NOT NULL,
  postcode TEXT NOT NULL,
  city TEXT NOT NULL,
  country CHAR(2) NOT NULL DEFAULT 'DE',
  PRIMARY KEY (customer_id, kind)
);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
  ship_to TEXT,
  status TEXT NOT NULL DEFAULT 'open',
  placed_at DATETIME NOT NULL,
  shipped_at DATETIME,
  discount REAL NOT NULL DEFAULT 0.0,
  CONSTRAINT ship_to_known FOREIGN KEY (customer_id, ship_to)
    REFERENCES addresses (customer_id, kind) ON UPDATE CASCADE,
  CONSTRAINT shipped_later CHECK (shipped_at IS NULL OR shipped_at >= placed_at)
);
CREATE TABLE order_lines (
  order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  line_no SMALLINT NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  unit_price DECIMAL(10,2) NOT NULL,
  PRIMARY KEY (order_id, line_no)
) WITHOUT ROWID;
CREATE TABLE payments (
  id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders (id),
  method TEXT NOT NULL,
  amount NUMERIC NOT NULL,
  paid_at TEXT NOT NULL,
  from_ip TEXT,
  reference
);
CREATE TABLE audit_log (
  at TEXT NOT NULL,
  actor TEXT,
  action TEXT NOT NULL,
  detail
);
CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value ANY,
  changed INT,
  factor REAL,
  secret BLOB
) STRICT;
CREATE TABLE images (
  id INTEGER PRIMARY KEY,
  product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  mime TEXT NOT NULL DEFAULT 'image/jpeg',
  data BLOB NOT NULL
);
CREATE TABLE departments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  head_id INTEGER REFERENCES employees (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE employees (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  department_id INTEGER NOT NULL REFERENCES departments (id) DEFERRABLE INITIALLY DEFERRED,
  manager_id INTEGER REFERENCES employees ON DELETE SET NULL,
  starts TIME
);
CREATE TABLE measurements (
  id INTEGER PRIMARY KEY,
  sensor TEXT NOT NULL,
  value REAL,
  counter INTEGER
);
CREATE TABLE "select" ("order" INTEGER PRIMARY KEY, "group by" TEXT, "from" DATE);
CREATE TABLE "Größen und Maße" ("Größe" TEXT PRIMARY KEY, "Länge in cm" REAL, "100 %" INTEGER);
CREATE TABLE "we""ird" ("a""b" TEXT, "c d" INTEGER, "it's" TEXT, "$x" REAL);
CREATE TABLE tags (product_id, tag, weight, UNIQUE (product_id, tag));
CREATE VIRTUAL TABLE product_search USING fts5(name, description, tokenize = 'unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE store_areas USING rtree(id, min_x, max_x, min_y, max_y);
