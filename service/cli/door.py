"""The commands under one name, each in words of one line."""

from service.cli.asking import ask
from service.cli.audit_commands import audit
from service.cli.backtest_command import backtest
from service.cli.backup_commands import backup, restore, upgrade_database
from service.cli.checking import check
from service.cli.comparing import compare
from service.cli.connection_commands import connections
from service.cli.deciding import decide
from service.cli.describing import schema
from service.cli.endpoint_commands import endpoints
from service.cli.erase_command import erase
from service.cli.folder_commands import apply, plan
from service.cli.form_commands import forms
from service.cli.import_command import import_file
from service.cli.key_commands import keys
from service.cli.opening import OPERATIONS, RULES, front_door
from service.cli.operations import demo, doctor, migrate, serve, worker
from service.cli.portfolio_commands import portfolio
from service.cli.release_commands import (
    approve,
    freeze,
    publish,
    reject,
    reviews,
    rollback,
    unfreeze,
)
from service.cli.rescore_command import rescore
from service.cli.scoring import score
from service.cli.templating import new, templates
from service.cli.testing import run_tests
from service.cli.translating import sql

app = front_door()

_RELEASES = "Releases"
_ACCOUNTS = "Accounts"

app.command(rich_help_panel=RULES)(check)
app.command(rich_help_panel=RULES)(decide)
app.command(rich_help_panel=RULES)(score)
app.command("test", rich_help_panel=RULES)(run_tests)
app.command(rich_help_panel=RULES)(compare)
app.command(rich_help_panel=RULES)(ask)
app.command(rich_help_panel=RULES)(sql)
app.command(rich_help_panel=RULES)(plan)
app.command(rich_help_panel=RULES)(apply)
app.command(rich_help_panel=RULES)(backtest)
app.command(rich_help_panel=_RELEASES)(publish)
app.command(rich_help_panel=_RELEASES)(rollback)
app.command(rich_help_panel=_RELEASES)(reviews)
app.command(rich_help_panel=_RELEASES)(approve)
app.command(rich_help_panel=_RELEASES)(reject)
app.command(rich_help_panel=_RELEASES)(freeze)
app.command(rich_help_panel=_RELEASES)(unfreeze)
app.command(rich_help_panel=RULES)(templates)
app.command(rich_help_panel=RULES)(new)
app.command(rich_help_panel=RULES)(schema)
app.command("import", rich_help_panel=_ACCOUNTS)(import_file)
app.command(rich_help_panel=_ACCOUNTS)(rescore)
app.command(rich_help_panel=OPERATIONS)(erase)
app.command(rich_help_panel=OPERATIONS)(serve)
app.command(rich_help_panel=OPERATIONS)(demo)
app.command(rich_help_panel=OPERATIONS)(worker)
app.command(rich_help_panel=OPERATIONS)(migrate)
app.command(rich_help_panel=OPERATIONS)(doctor)
app.command(rich_help_panel=OPERATIONS)(backup)
app.command(rich_help_panel=OPERATIONS)(restore)
app.command("upgrade-database", rich_help_panel=OPERATIONS)(upgrade_database)
app.add_typer(portfolio, rich_help_panel=_ACCOUNTS)
app.add_typer(connections, rich_help_panel=OPERATIONS)
app.add_typer(endpoints, rich_help_panel=OPERATIONS)
app.add_typer(forms, rich_help_panel=OPERATIONS)
app.add_typer(keys, rich_help_panel=OPERATIONS)
app.add_typer(audit, rich_help_panel=OPERATIONS)
