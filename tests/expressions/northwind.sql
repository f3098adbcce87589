CREATE TABLE Categories(CategoryID INTEGER PRIMARY KEY AUTOINCREMENT, CategoryName TEXT);
CREATE TABLE Customers(CustomerID TEXT PRIMARY KEY, CompanyName TEXT, City TEXT, ContactName TEXT);
CREATE TABLE Suppliers(SupplierID INTEGER PRIMARY KEY, CompanyName TEXT, City TEXT, ContactName TEXT);
CREATE TABLE Employees(EmployeeID INTEGER PRIMARY KEY, LastName TEXT, FirstName TEXT);
CREATE TABLE Products(
  ProductID INTEGER PRIMARY KEY AUTOINCREMENT, ProductName TEXT NOT NULL,
  CategoryID INTEGER REFERENCES Categories, UnitPrice NUMERIC DEFAULT 0,
  UnitsInStock INTEGER DEFAULT 0, Discontinued TEXT NOT NULL DEFAULT '0',
  CHECK ([UnitPrice]>=(0)), CHECK ([UnitsInStock]>=(0)));
CREATE TABLE Orders(
  OrderID INTEGER PRIMARY KEY AUTOINCREMENT, CustomerID TEXT REFERENCES Customers,
  EmployeeID INTEGER REFERENCES Employees, OrderDate DATETIME, ShippedDate DATETIME, Freight NUMERIC DEFAULT 0);
CREATE TABLE [Order Details](
  OrderID INTEGER NOT NULL REFERENCES Orders, ProductID INTEGER NOT NULL REFERENCES Products,
  UnitPrice NUMERIC NOT NULL DEFAULT 0, Quantity INTEGER NOT NULL DEFAULT 1, Discount REAL NOT NULL DEFAULT 0,
  PRIMARY KEY ("OrderID", "ProductID"),
  CHECK ([Discount]>=(0) AND [Discount]<=(1)), CHECK ([Quantity]>(0)), CHECK ([UnitPrice]>=(0)));
INSERT INTO Categories VALUES (1, 'Beverages'), (2, 'Condiments');
INSERT INTO Customers VALUES ('ALFKI', 'Alfreds', 'Berlin', 'Maria'), ('BLAUS', 'Blauer See', 'Mannheim', NULL);
INSERT INTO Suppliers VALUES (1, 'Exotic', 'London', 'Charlotte'), (2, 'Alfreds', 'Berlin', 'Maria');
INSERT INTO Employees VALUES (1, 'Davolio', 'Nancy'), (2, '7 of 9', '12th');
INSERT INTO Products VALUES
  (1, 'Chai', 1, 18, 39, '0'), (2, 'Chang', 1, 19.5, 17, '1'), (3, 'Aniseed', 2, 10.25, 13, '0');
INSERT INTO Orders VALUES
  (1, 'ALFKI', 1, '1996-07-04 00:00:00.000', '1996-07-16 00:00:00.000', 32.38),
  (2, 'BLAUS', 2, '1997-05-05 00:00:00.000', '1997-12-31 00:00:00.000', 11.61),
  (3, 'ALFKI', 2, '1997-06-05 00:00:00.000', NULL, 65);
INSERT INTO [Order Details] VALUES
  (1, 1, 14, 12, 0), (1, 2, 9.8, 10, 0.15), (2, 3, 34.8, 5, 0.05), (3, 1, 18.6, 9, 0), (3, 3, 42.4, 40, 0.25);
CREATE VIEW [Alphabetical list of products] AS SELECT Products.*, Categories.CategoryName FROM Categories
  INNER JOIN Products ON Categories.CategoryID = Products.CategoryID WHERE (((Products.Discontinued)=0));
CREATE VIEW [Current Product List] AS SELECT ProductID, ProductName FROM Products WHERE Discontinued=0;
CREATE VIEW [Customer and Suppliers by City] AS
  SELECT City, CompanyName, ContactName, 'Customers' AS Relationship FROM Customers
  UNION SELECT City, CompanyName, ContactName, 'Suppliers' FROM Suppliers ORDER BY City, CompanyName;
CREATE VIEW [Invoices] AS SELECT Customers.CompanyName AS CustomerName,
  (Employees.FirstName + ' ' + Employees.LastName) AS Salesperson, Orders.OrderDate, [Order Details].Quantity,
  ((([Order Details].UnitPrice*Quantity*(1-Discount))/100)*100) AS ExtendedPrice, Orders.Freight
  FROM Customers JOIN Orders ON Customers.CustomerID = Orders.CustomerID
  JOIN Employees ON Employees.EmployeeID = Orders.EmployeeID
  JOIN [Order Details] ON Orders.OrderID = [Order Details].OrderID;
CREATE VIEW [Sales Totals by Amount] AS SELECT [Order Subtotals].Subtotal AS SaleAmount, Orders.OrderID
  FROM Orders JOIN [Order Subtotals] ON Orders.OrderID = [Order Subtotals].OrderID WHERE [Order Subtotals].Subtotal > 200;
CREATE VIEW [Order Subtotals] AS SELECT [Order Details].OrderID,
  round(Sum(([Order Details].UnitPrice*Quantity*(1-Discount)/100)*100), 6) AS Subtotal
  FROM [Order Details] GROUP BY [Order Details].OrderID;
CREATE VIEW [Products Above Average Price] AS SELECT Products.ProductName, Products.UnitPrice FROM Products
  WHERE Products.UnitPrice>(SELECT AVG(UnitPrice) From Products);
CREATE VIEW [Products by Category] AS SELECT Categories.CategoryName, Products.ProductName, Products.Discontinued
  FROM Categories INNER JOIN Products ON Categories.CategoryID = Products.CategoryID WHERE Products.Discontinued <> 1;
CREATE VIEW [Quarterly Orders] AS SELECT DISTINCT Customers.CustomerID, Customers.CompanyName FROM Customers
  JOIN Orders ON Customers.CustomerID = Orders.CustomerID
  WHERE Orders.OrderDate BETWEEN DATETIME('1997-01-01') And DATETIME('1997-12-31');
CREATE VIEW [Summary of Sales by Year] AS SELECT Orders.ShippedDate, Orders.OrderID, [Order Subtotals].Subtotal
  FROM Orders INNER JOIN [Order Subtotals] ON Orders.OrderID = [Order Subtotals].OrderID
  WHERE Orders.ShippedDate IS NOT NULL;
