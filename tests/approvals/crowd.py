"""Documents by the hundred thousand as they stand after their work, written by a few statements.

Of ten documents of a kind one is a draft, four wait for the manager, three are being carried out, two are done.
Every filed one has its archive record, each store of it a task and, once done, a receipt.
"""

from django.db import connection

from tests.database import filled_tables

STATE = """CASE n %% 10 WHEN 0 THEN 'draft' WHEN 1 THEN 'in_approval' WHEN 2 THEN 'in_approval'
    WHEN 3 THEN 'in_approval' WHEN 4 THEN 'in_approval' WHEN 5 THEN 'done' WHEN 6 THEN 'done' ELSE 'filed' END"""
STATEMENTS = (
    """
    CREATE TEMPORARY TABLE crowd ON COMMIT DROP AS
    SELECT n, nextval(pg_get_serial_sequence('approvals_document', 'id')) AS id,
        nextval(pg_get_serial_sequence('approvals_process', 'id')) AS process,
        nextval(pg_get_serial_sequence('approvals_step', 'id')) AS signing,
        nextval(pg_get_serial_sequence('approvals_step', 'id')) AS executing,
        CASE WHEN n %% 3 = 0 THEN 'promotion' ELSE 'price_list' END AS kind, """
    + STATE
    + """ AS state,
        now() - (%(last)s - n) * interval '7 minutes' AS at
    FROM generate_series(%(first)s, %(last)s) n
    """,
    """
    INSERT INTO approvals_document (id, number, kind, title, state, round, currency, effective_from, note,
        submitted_at, content_hash, archive_number, line_count, store_count, store_label, block_count, sign_count,
        warn_count, info_count, money_at_risk, summary, guarded_hash, created_at, updated_at, drafted_by_id,
        submitted_by_id)
    SELECT id, 'XX-' || n, kind, '单据 ' || n, 'draft', 1, 'CNY', at + interval '7 days', '', at,
        repeat('0', 64), 'GD-2025-' || n, 10, 2, '全部自营', 0, 0, 1, 0, 100, '{}', '', at, at, %(drafter)s, %(drafter)s
    FROM crowd
    """,
    """
    INSERT INTO approvals_pricelist (document_ptr_id, list_kind)
    SELECT id, 'regular' FROM crowd WHERE kind = 'price_list'
    """,
    """
    INSERT INTO approvals_promotion (document_ptr_id, promotion_kind, theme)
    SELECT id, 'direct', '暖冬' FROM crowd WHERE kind = 'promotion'
    """,
    """
    INSERT INTO approvals_documentauthor (document_id, user_id) SELECT id, %(drafter)s FROM crowd
    """,
    """
    INSERT INTO approvals_scopestore (document_id, scope_key, store_id)
    SELECT id, 'all', unnest(%(stores)s::bigint[]) FROM crowd
    """,
    """
    UPDATE approvals_document d SET state = c.state FROM crowd c WHERE c.id = d.id AND c.state <> 'draft'
    """,
    """
    INSERT INTO approvals_process (id, document_id, round, flow_version_id, submitted_by_id, submitter, content_hash,
        chosen, started_at, state)
    SELECT process, id, 1, %(version)s, %(drafter)s, '{"name": "林晓"}', repeat('0', 64), '{}', at,
        CASE state WHEN 'done' THEN 'passed' ELSE 'open' END
    FROM crowd WHERE state <> 'draft'
    """,
    """
    INSERT INTO approvals_step (id, process_id, flow_step_id, "order", kind, name, quorum, quorum_number, edits_lines,
        state, because, due_at)
    SELECT signing, process, %(sign_step)s, 1, 'sign', '审核签字', 'any', 1, true,
        CASE state WHEN 'in_approval' THEN 'active' ELSE 'done' END, '', at + interval '2 days'
    FROM crowd WHERE state <> 'draft'
    UNION ALL
    SELECT executing, process, %(execute_step)s, 5, 'execute', '执行', 'any', 1, false,
        CASE state WHEN 'done' THEN 'done' WHEN 'filed' THEN 'active' ELSE 'waiting' END, '', at + interval '6 days'
    FROM crowd WHERE state <> 'draft'
    """,
    """
    INSERT INTO approvals_task (step_id, document_id, store_id, assignee_id, "order", because, state, opened_at, due_at,
        closed_at)
    SELECT signing, id, NULL, %(decider)s, 1, '岗位', CASE state WHEN 'in_approval' THEN 'open' ELSE 'done' END,
        at, at + interval '2 days', CASE state WHEN 'in_approval' THEN NULL ELSE at + interval '1 day' END
    FROM crowd WHERE state <> 'draft'
    UNION ALL
    SELECT executing, id, unnest(%(stores)s::bigint[]), %(agent)s, 1, '负责店铺',
        CASE state WHEN 'done' THEN 'done' WHEN 'filed' THEN 'open' ELSE 'planned' END, at, at + interval '6 days',
        CASE state WHEN 'done' THEN at + interval '5 days' END
    FROM crowd WHERE state <> 'draft'
    """,
    """
    INSERT INTO approvals_decision (task_id, document_id, round, step_name, verdict, comment, actor_id, actor_name,
        actor_position, actor_department, acting_for, content_hash, at, channel, previous, hash)
    SELECT t.id, t.document_id, 1, '审核签字', CASE WHEN t.store_id IS NULL THEN 'sign' ELSE 'execute' END, '',
        t.assignee_id, CASE WHEN t.store_id IS NULL THEN '电商经理' ELSE '客服' END, '岗位', '部门', '',
        repeat('0', 64), t.closed_at, 'web', repeat('0', 64), repeat('0', 64)
    FROM approvals_task t JOIN crowd c ON c.id = t.document_id WHERE t.state = 'done'
    """,
    """
    INSERT INTO approvals_receipt (task_id, document_id, store_id, file_id, applied, failed, not_found, note, by_id,
        by_name, at)
    SELECT t.id, t.document_id, t.store_id, %(file)s, 10, 0, 0, '', t.assignee_id, '客服', t.closed_at
    FROM approvals_task t JOIN crowd c ON c.id = t.document_id WHERE t.state = 'done' AND t.store_id IS NOT NULL
    """,
    """
    INSERT INTO approvals_archiverecord (sequence, number, kind, document_number, document_kind, title, line_count,
        effective_from, retained_until, filed_by_id, filed_by_name, at, payload, payload_size, payload_sha256,
        previous, hash, document_id)
    SELECT %(sequence)s + row_number() OVER (ORDER BY n), 'GD-2025-' || n, 'filing', 'XX-' || n, kind, '单据 ' || n, 10,
        at + interval '7 days', '2055-12-31', %(filer)s, '财务甲', at + interval '1 day',
        decode(repeat('ab', 2000), 'hex'), 9000, md5(n::text) || md5(n::text), repeat('0', 64),
        md5('h' || n) || md5('h' || n), id
    FROM crowd WHERE state IN ('filed', 'done')
    """,
    """
    INSERT INTO approvals_archivestore (record_id, store_id)
    SELECT r.sequence, unnest(%(stores)s::bigint[]) FROM approvals_archiverecord r JOIN crowd c ON c.id = r.document_id
    """,
    """
    INSERT INTO stores_priceinforce (sku_id, store_id, layer, amount, currency, during, document_number, line_no)
    SELECT %(sku)s, %(store)s, 'base', 90, 'CNY',
        tstzrange('2000-01-01'::timestamptz + n * interval '1 hour',
            '2000-01-01'::timestamptz + (n + 1) * interval '1 hour'),
        'XX-' || n, 1
    FROM crowd WHERE state IN ('filed', 'done')
    """,
)


def add_documents(first, last, *, world, version, file):
    """Add the documents with these numbers; both ends included. Needs a transaction."""
    from approvals.models import ArchiveRecord

    newest = ArchiveRecord.objects.order_by("-sequence").values_list("sequence", flat=True).first()
    steps = {step.kind: step.pk for step in version.steps.all()}
    known = {
        "first": first,
        "last": last,
        "sequence": newest or 0,
        "version": version.pk,
        "sign_step": steps["sign"],
        "execute_step": steps["execute"],
        "drafter": world["product_strategy"].pk,
        "decider": world["ecommerce_manager"].pk,
        "agent": world["customer_service"].pk,
        "filer": world["finance"].pk,
        "stores": [store.pk for store in world.stores],
        "store": world.stores[0].pk,
        "sku": world.goods[0].pk,
        "file": file.pk,
    }
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement, known)
        cursor.execute("DROP TABLE crowd")
        # Foreign keys into a table without fresh statistics are checked by reading all of it.
        # Only those: of an empty table the planner would believe in every test to come that it is empty.
        cursor.execute("ANALYZE " + ", ".join(filled_tables(cursor)))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
