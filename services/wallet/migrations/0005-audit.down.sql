DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bourse_auditor') THEN
    REVOKE SELECT ON ALL TABLES IN SCHEMA wallet FROM bourse_auditor;
    REVOKE USAGE ON SCHEMA wallet FROM bourse_auditor;
  END IF;
END
$$;
DROP VIEW wallet.audit_i14, wallet.audit_i9, wallet.audit_i8, wallet.audit_i7, wallet.audit_i6, wallet.audit_i5,
  wallet.audit_i4, wallet.audit_i3, wallet.audit_i2, wallet.audit_i1;
