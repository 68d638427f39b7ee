"""The application's role has new lines counted although it owns no table: before PostgreSQL 17 no right allows that."""

from django.db import migrations

# Temporary tables are looked for last: nobody can put one in place of a table.
CREATE = """
CREATE FUNCTION refresh_statistics(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_temp AS $$
BEGIN
    CASE name
        WHEN 'approvals_importfault' THEN
            ANALYZE approvals_importfault (imported_id, row_no);
        WHEN 'approvals_importrow' THEN
            ANALYZE approvals_importrow (imported_id, verdict, sku_id, sku_code, scope_key);
        WHEN 'approvals_priceline' THEN
            ANALYZE approvals_priceline (document_id, sku_id, sku_code, scope_key, struck, base_price);
        WHEN 'approvals_promotionline' THEN
            ANALYZE approvals_promotionline (document_id, sku_id, sku_code, scope_key, struck, base_price);
    END CASE;
END $$
"""


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        cursor.execute(CREATE.replace("{schema}", cursor.fetchone()[0]))


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0011_places_for_checkpoints"),
        ("core", "0004_clock_and_sent_forms"),
    ]

    operations = [
        migrations.RunPython(
            create,
            lambda apps, editor: editor.execute("DROP FUNCTION refresh_statistics(text)"),
        )
    ]
