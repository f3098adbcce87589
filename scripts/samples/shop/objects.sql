CREATE UNIQUE INDEX customers_email ON customers (email COLLATE NOCASE);
CREATE INDEX orders_open ON orders (placed_at DESC) WHERE status = 'open';
CREATE INDEX orders_customer ON orders (customer_id, placed_at);
CREATE INDEX products_category ON products (category_id);
CREATE INDEX products_name_lower ON products (lower(name), price DESC);
CREATE INDEX products_colour ON products (json_extract(attributes, '$.colour'));
CREATE INDEX payments_order ON payments (order_id);
CREATE INDEX "audit at" ON audit_log (at);
CREATE VIEW customer_totals (customer, orders, spent) AS
  SELECT c.name, count(DISTINCT o.id), round(sum(l.quantity * l.unit_price), 2)
  FROM customers AS c JOIN orders AS o ON o.customer_id = c.id JOIN order_lines AS l ON l.order_id = o.id
  GROUP BY c.id ORDER BY 3 DESC;
CREATE VIEW active_products AS SELECT id, sku, name, price, price_with_tax FROM products WHERE active;
CREATE VIEW "Umsatz je Monat" AS
  SELECT substr(placed_at, 1, 7) AS "Monat", sum(quantity * unit_price) AS "Umsatz"
  FROM orders JOIN order_lines ON order_id = orders.id GROUP BY 1;
CREATE TRIGGER orders_placed AFTER INSERT ON orders BEGIN
  INSERT INTO audit_log VALUES (datetime('now'), 'system', 'order placed', NEW.id);
END;
CREATE TRIGGER products_repriced AFTER UPDATE OF price ON products WHEN OLD.price <> NEW.price BEGIN
  INSERT INTO audit_log VALUES (datetime('now'), NULL, 'price; changed', OLD.price || ' -> ' || NEW.price);
END;
CREATE TRIGGER active_products_removed INSTEAD OF DELETE ON active_products BEGIN
  UPDATE products SET active = 0 WHERE id = OLD.id;
END;
