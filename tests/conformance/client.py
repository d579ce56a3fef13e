"""A SCIM client with the shorthands that the tests of this folder need, and documents with names of their own."""

import secrets

import pytest

import tenure

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
DEPARTMENT = f"{tenure.ENTERPRISE}:department"
MANAGER = f"{tenure.ENTERPRISE}:manager"


def requirement(*ids):
    """Names what a test covers, by the ids of requirements.toml."""
    return pytest.mark.requirement(*ids)


def unique(prefix="ada"):
    """A name that nothing else has."""
    return f"{prefix}.{secrets.token_hex(6)}"


def new_user(**more):
    """The least that a user is made of, and more."""
    return {"schemas": [tenure.USER], "userName": unique()} | more


def new_group(*members, **more):
    """A group with these resources in it."""
    group = {"schemas": [tenure.GROUP], "displayName": unique("group")}
    if members:
        group["members"] = [{"value": member["id"]} for member in members]
    return group | more


def message(*operations):
    """A PATCH."""
    return {"schemas": [tenure.PATCH], "Operations": list(operations)}


def add(path, value):
    return {"op": "add", "path": path, "value": value}


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def remove(path, **more):
    return {"op": "remove", "path": path} | more


def path_of(resource):
    """Where a resource is, below the root of the API."""
    return f"/{resource['meta']['resourceType']}s/{resource['id']}"


def values(resource, attribute, part="value"):
    """One part of each value of an attribute, sorted."""
    return sorted(value[part] for value in resource.get(attribute, []) if part in value)


class Client(tenure.Scim):
    """One token's view of its workspace."""

    def user(self, **more):
        return self.create("Users", new_user(**more))

    def group(self, *members, **more):
        return self.create("Groups", new_group(*members, **more))

    def read(self, resource, **params):
        return self.get(path_of(resource), **params)

    def change(self, resource, *operations, **params):
        """A PATCH, then what is there afterwards."""
        self.expect((200, 204), "PATCH", path_of(resource), message(*operations), params=params)
        return self.read(resource)

    def put(self, resource, document, **options):
        return self.expect(200, "PUT", path_of(resource), document, **options)

    def refuse(self, scim_type, resource, *operations):
        """A PATCH that is 400 and changes nothing."""
        before = self.read(resource)
        detail = self.error(400, scim_type, "PATCH", path_of(resource), message(*operations))
        assert self.read(resource) == before
        return detail

    def leave(self, resource, *operations):
        """A PATCH that succeeds and changes nothing, not even the version."""
        assert self.change(resource, *operations) == self.read(resource) == resource

    def gone(self, resource):
        self.expect(204, "DELETE", path_of(resource))

    def find(self, condition, kind="Users", **params):
        """The ids of all that match."""
        return {found["id"] for found in self.all(kind, filter=condition, attributes="id", **params)}

    def search(self, path="", **body):
        """POST to `.search`."""
        return self.expect(200, "POST", f"{path}/.search", {"schemas": [SEARCH]} | body)

    def bulk(self, *operations, status=200, **more):
        """POST to `/Bulk`: the results."""
        document = self.expect(status, "POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations)} | more)
        assert document["schemas"] == [BULK_RESPONSE]
        return document["Operations"]
