"""A price in force never changes; only an open window gets its end, once, when a later document begins."""

from django.db import migrations

GUARD = """
CREATE FUNCTION guard_price_in_force() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND upper_inf(OLD.during) AND NOT upper_inf(NEW.during)
        AND lower(NEW.during) = lower(OLD.during)
        AND (NEW.id, NEW.sku_id, NEW.store_id, NEW.layer, NEW.amount, NEW.currency, NEW.document_number, NEW.line_no)
            IS NOT DISTINCT FROM
            (OLD.id, OLD.sku_id, OLD.store_id, OLD.layer, OLD.amount, OLD.currency, OLD.document_number, OLD.line_no)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: a price in force never changes', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("stores", "0001_initial")]

    operations = [
        migrations.RunSQL(
            [
                GUARD,
                (
                    "CREATE TRIGGER stores_priceinforce_protected BEFORE UPDATE OR DELETE ON stores_priceinforce "
                    "FOR EACH ROW EXECUTE FUNCTION guard_price_in_force()"
                ),
                (
                    "CREATE TRIGGER stores_priceinforce_no_truncate BEFORE TRUNCATE ON stores_priceinforce "
                    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
                ),
            ],
            [
                "DROP TRIGGER stores_priceinforce_protected ON stores_priceinforce",
                "DROP TRIGGER stores_priceinforce_no_truncate ON stores_priceinforce",
                "DROP FUNCTION guard_price_in_force()",
            ],
        )
    ]
