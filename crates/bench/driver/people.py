"""People by number: everything about one is derived from the number, so that a load can ask for anybody."""

import json
import urllib.parse

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def document(number, prefix="user", title="Weaver"):
    """A user; `number` may be a placeholder of the load generator."""
    name = f"{prefix}{number}@northwind.example"
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": name,
        "externalId": f"{prefix}-{number}",
        "name": {"givenName": f"Given{number}", "familyName": f"Family{number}"},
        "displayName": f"Given{number} Family{number}",
        "active": True,
        "title": title,
        "emails": [{"type": "work", "value": name, "primary": True}],
        ENTERPRISE: {"department": "Production", "employeeNumber": f"{number}"},
    }


def text(number, **options):
    return json.dumps(document(number, **options), separators=(",", ":"))


def write(path, numbers, **options):
    """JSON lines as `tenure import` reads them."""
    whole = text("{n}", **options)
    with path.open("w", encoding="utf-8") as file:
        for number in numbers:
            file.write(whole.replace("{n}", str(number)) + "\n")
    return path


def write_members(path, group, numbers):
    """Memberships as `tenure import --groups` reads them."""
    with path.open("w", encoding="utf-8") as file:
        file.write("group,member\n")
        for number in numbers:
            file.write(f"{group},user{number}@northwind.example\n")
    return path


def patch(*operations):
    return {"schemas": [PATCH], "Operations": list(operations)}


def filter_path(condition):
    """A list with a filter that may have placeholders."""
    return "/Users?filter=" + urllib.parse.quote(condition, safe="{}")
