CREATE TABLE IF NOT EXISTS payments (
  payment TEXT PRIMARY KEY,
  merchant TEXT NOT NULL,
  order_id TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  description TEXT NOT NULL,
  deadline_ms INTEGER NOT NULL,
  notify_url TEXT NOT NULL,
  return_url TEXT NOT NULL,
  state TEXT NOT NULL,
  transaction_id TEXT NOT NULL DEFAULT '',
  captured_ms INTEGER NOT NULL DEFAULT 0,
  refunded_minor INTEGER NOT NULL DEFAULT 0,
  fault TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refunds (
  refund TEXT PRIMARY KEY,
  payment TEXT NOT NULL REFERENCES payments (payment),
  amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  reason TEXT NOT NULL,
  provider_refund TEXT NOT NULL,
  created_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refund_progress (
  refund TEXT PRIMARY KEY REFERENCES refunds (refund),
  state TEXT NOT NULL,
  ending TEXT NOT NULL,
  ends_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refund_faults (
  payment TEXT PRIMARY KEY REFERENCES payments (payment),
  fault TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS slow_creations (
  number INTEGER PRIMARY KEY,
  milliseconds INTEGER NOT NULL
);
