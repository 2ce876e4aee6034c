"""Lots, the controlled-drug ledger, counts and differences; forms that were sent; rows of the registry."""

from __future__ import annotations

from decimal import Decimal

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
from django.db import migrations, models

from clinic.migrations.append_only import guard


class Migration(migrations.Migration):
    dependencies = [
        ("practice", "0002_alerts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Count",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cupboard", models.CharField(max_length=20)),
                ("counted_on", models.DateField()),
                ("counted_mg", models.DecimalField(decimal_places=2, max_digits=10)),
                ("book_mg", models.DecimalField(decimal_places=2, max_digits=10)),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=120)),
                ("username", models.CharField(max_length=80)),
                ("second", models.CharField(max_length=120)),
                ("second_username", models.CharField(max_length=80)),
                ("key", models.CharField(max_length=64)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.CreateModel(
            name="Lot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("product", models.CharField(max_length=20)),
                ("form", models.CharField(max_length=10)),
                ("number", models.CharField(max_length=40)),
                ("strength", models.CharField(max_length=60)),
                ("unit_mg", models.DecimalField(decimal_places=2, max_digits=10)),
                ("expires_on", models.DateField()),
                ("made_by", models.CharField(max_length=120)),
                ("made_at", models.DateTimeField()),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.CreateModel(
            name="LedgerLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cupboard", models.CharField(max_length=20)),
                ("kind", models.CharField(max_length=12)),
                ("change_mg", models.DecimalField(decimal_places=2, max_digits=10)),
                ("balance_mg", models.DecimalField(decimal_places=2, max_digits=10)),
                ("drawn_mg", models.DecimalField(decimal_places=2, default=Decimal("0.00"), max_digits=10)),
                ("given_mg", models.DecimalField(decimal_places=2, default=Decimal("0.00"), max_digits=10)),
                ("wasted_mg", models.DecimalField(decimal_places=2, default=Decimal("0.00"), max_digits=10)),
                ("patient_id", models.CharField(blank=True, max_length=64)),
                ("visit_id", models.CharField(blank=True, max_length=64)),
                ("administration_id", models.CharField(blank=True, max_length=64)),
                ("route", models.CharField(blank=True, max_length=20)),
                ("day", models.DateField()),
                ("words", models.CharField(blank=True, max_length=300)),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=120)),
                ("username", models.CharField(max_length=80)),
                ("witness", models.CharField(blank=True, max_length=120)),
                ("witness_username", models.CharField(blank=True, max_length=80)),
                ("key", models.CharField(max_length=64)),
                (
                    "corrects",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="practice.ledgerline",
                    ),
                ),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="practice.lot"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Difference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cupboard", models.CharField(max_length=20)),
                ("visit_id", models.CharField(blank=True, max_length=64)),
                ("difference_mg", models.DecimalField(decimal_places=2, max_digits=10)),
                ("state", models.CharField(default="open", max_length=10)),
                ("owner", models.CharField(max_length=80)),
                ("opened_by", models.CharField(max_length=120)),
                ("opened_at", models.DateTimeField()),
                ("explanation", models.TextField(blank=True)),
                ("explained_by", models.CharField(blank=True, max_length=120)),
                ("explained_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=12)),
                ("reported_to", models.CharField(blank=True, max_length=120)),
                ("finding", models.TextField(blank=True)),
                ("closed_by", models.CharField(blank=True, max_length=120)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "count",
                    models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, to="practice.count"),
                ),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="differences", to="practice.lot"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="count",
            name="lot",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="counts", to="practice.lot"
            ),
        ),
        migrations.CreateModel(
            name="Balance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cupboard", models.CharField(max_length=20)),
                ("mg", models.DecimalField(decimal_places=2, default=Decimal("0.00"), max_digits=10)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="balances", to="practice.lot"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RegistryKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret", models.CharField(max_length=64)),
                ("practice", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.CreateModel(
            name="RegistryRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("visit_id", models.CharField(max_length=64)),
                ("row", models.JSONField()),
                ("at", models.DateTimeField()),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.CreateModel(
            name="Submission",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("about", models.CharField(max_length=64)),
                ("patient_id", models.CharField(max_length=64)),
                ("state", models.CharField(max_length=12)),
                ("sent_on", models.DateField()),
                ("how", models.CharField(blank=True, max_length=20)),
                ("words", models.CharField(blank=True, max_length=300)),
                ("content", models.BinaryField(default=bytes)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("said", models.JSONField(default=dict)),
                ("by", models.CharField(max_length=120)),
                ("username", models.CharField(max_length=80)),
                ("at", models.DateTimeField()),
                ("key", models.CharField(max_length=64)),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.UniqueConstraint(fields=("practice", "product", "number"), name="one_lot_a_number"),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.CheckConstraint(condition=models.Q(("unit_mg__gt", 0)), name="a_unit_holds_something"),
        ),
        migrations.AddIndex(
            model_name="ledgerline",
            index=models.Index(fields=["practice", "id"], name="ledger_of_practice"),
        ),
        migrations.AddIndex(
            model_name="ledgerline",
            index=models.Index(fields=["practice", "visit_id"], name="ledger_of_visit"),
        ),
        migrations.AddConstraint(
            model_name="ledgerline",
            constraint=models.UniqueConstraint(
                fields=("practice", "username", "key", "lot", "cupboard"), name="one_line_a_request"
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "use")),
                fields=("practice", "visit_id", "lot", "cupboard"),
                name="one_use_a_visit_and_lot",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "drawn_mg",
                        django.db.models.functions.math.Round(
                            django.db.models.expressions.CombinedExpression(
                                models.F("given_mg"), "+", models.F("wasted_mg")
                            ),
                            2,
                        ),
                    )
                ),
                name="drawn_is_given_and_wasted",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerline",
            constraint=models.CheckConstraint(condition=models.Q(("balance_mg__gte", 0)), name="no_line_below_nothing"),
        ),
        migrations.AddConstraint(
            model_name="ledgerline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("witness_username", ""),
                    models.Q(("witness_username", models.F("username")), _negated=True),
                    _connector="OR",
                ),
                name="a_witness_is_another",
            ),
        ),
        migrations.AddIndex(
            model_name="difference",
            index=models.Index(fields=["practice", "state"], name="differences_by_state"),
        ),
        migrations.AddIndex(
            model_name="count",
            index=models.Index(fields=["practice", "counted_on"], name="counts_of_day"),
        ),
        migrations.AddConstraint(
            model_name="count",
            constraint=models.UniqueConstraint(
                fields=("practice", "username", "key", "lot", "cupboard"), name="one_count_a_request"
            ),
        ),
        migrations.AddConstraint(
            model_name="count",
            constraint=models.CheckConstraint(
                condition=models.Q(("second_username", models.F("username")), _negated=True), name="two_people_count"
            ),
        ),
        migrations.AddConstraint(
            model_name="count",
            constraint=models.CheckConstraint(
                condition=models.Q(("counted_mg__gte", 0)), name="counted_is_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="balance",
            constraint=models.UniqueConstraint(fields=("lot", "cupboard"), name="one_balance_a_cupboard"),
        ),
        migrations.AddConstraint(
            model_name="balance",
            constraint=models.CheckConstraint(condition=models.Q(("mg__gte", 0)), name="never_below_nothing"),
        ),
        migrations.AddIndex(
            model_name="registryrow",
            index=models.Index(fields=["practice", "visit_id", "id"], name="registry_of_visit"),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(fields=["practice", "kind", "about"], name="submission_of"),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(fields=("practice", "username", "key"), name="one_submission_a_request"),
        ),
        migrations.RunPython(
            guard("practice_ledgerline", "practice_count", "practice_submission", "practice_registryrow"),
            migrations.RunPython.noop,
        ),
    ]
