"""`luytre user add`, `list`, `password`, `disable`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from luytre.app.store import Store
from luytre.cli.language import say
from luytre.cli.output import password_from_stdin, print_json, print_table


def add(name: str, role: str | None, password_stdin: bool, directory: Path, as_json: bool) -> None:
    given = password_from_stdin() if password_stdin else None
    with closing(Store.open(directory)) as store:
        # Somebody must be able to let the others in.
        chosen = role or ("officer" if store.accounts.count() else "admin")
        new = store.accounts.add_user(name, given, chosen)
    if as_json:
        print_json({"name": new.name, "role": new.role, "password": new.password})
        return
    print(say("user.added", name=new.name, role=new.role))
    if new.password is not None:
        print(say("user.new_password", password=new.password))


def show(directory: Path, as_json: bool) -> None:
    with closing(Store.open(directory)) as store:
        users = store.accounts.users()
    if as_json:
        print_json([{"name": user.name, "role": user.role, "enabled": not user.disabled} for user in users])
    elif not users:
        print(say("user.none"))
    else:
        print_table(
            [say("col.name"), say("col.role"), say("col.state")],
            [
                [user.name, user.role, say("state.disabled" if user.disabled else "state.enabled")]
                for user in users
            ],
        )


def password(name: str, password_stdin: bool, directory: Path, as_json: bool) -> None:
    given = password_from_stdin() if password_stdin else None
    with closing(Store.open(directory)) as store:
        made = store.accounts.set_password(name, given)
    if as_json:
        print_json({"name": name, "password": made})
        return
    print(say("user.changed", name=name))
    if made is not None:
        print(say("user.new_password", password=made))


def disable(name: str, directory: Path) -> None:
    with closing(Store.open(directory)) as store:
        store.accounts.disable(name)
    print(say("user.disabled", name=name))
