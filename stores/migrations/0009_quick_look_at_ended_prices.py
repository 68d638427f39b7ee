"""A million prices end in one statement: that nothing else of them changed is asked without a function for each.

What is judged before a row changes locks the row and calls a function for it. What is judged afterwards, with the rule
as the trigger's condition, costs next to nothing as long as the rule holds; where it does not, all is undone as before.
"""

from django.db import migrations

ENDED = """
upper_inf(OLD.during) AND NOT upper_inf(NEW.during) AND lower(NEW.during) = lower(OLD.during)
AND (NEW.id, NEW.sku_id, NEW.store_id, NEW.layer, NEW.amount, NEW.currency, NEW.document_number, NEW.line_no)
    IS NOT DISTINCT FROM
    (OLD.id, OLD.sku_id, OLD.store_id, OLD.layer, OLD.amount, OLD.currency, OLD.document_number, OLD.line_no)
"""
TABLE = "ON stores_priceinforce FOR EACH ROW"


class Migration(migrations.Migration):
    dependencies = [("stores", "0008_leaner_indexes_of_prices")]

    operations = [
        migrations.RunSQL(
            [
                "DROP TRIGGER stores_priceinforce_protected ON stores_priceinforce",
                (
                    f"CREATE TRIGGER stores_priceinforce_protected AFTER UPDATE {TABLE} "
                    f"WHEN (({ENDED}) IS NOT TRUE) EXECUTE FUNCTION guard_price_in_force()"
                ),
                f"CREATE TRIGGER stores_priceinforce_stays BEFORE DELETE {TABLE} EXECUTE FUNCTION guard_price_in_force()",
            ],
            [
                "DROP TRIGGER stores_priceinforce_stays ON stores_priceinforce",
                "DROP TRIGGER stores_priceinforce_protected ON stores_priceinforce",
                (
                    f"CREATE TRIGGER stores_priceinforce_protected BEFORE UPDATE OR DELETE {TABLE} "
                    "EXECUTE FUNCTION guard_price_in_force()"
                ),
            ],
        )
    ]
