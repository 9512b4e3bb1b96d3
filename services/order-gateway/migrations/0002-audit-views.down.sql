DROP VIEW orders.audit_totals;
DROP VIEW orders.audit_fee_mismatches;
DROP VIEW orders.audit_trade_mismatches;
DROP VIEW orders.audit_order_mismatches;
DROP VIEW orders.audit_orders;
DROP VIEW orders.audit_cursors;
