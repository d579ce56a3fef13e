"""RFC 9865: pages by cursor."""

import re

import pytest
from client import Client, requirement

import tenure


@pytest.fixture(scope="module")
def crowd(new_workspace):
    scim = new_workspace("Cursors")
    scim.people = [scim.user(userName=f"user{number:02}", title=f"T{number % 3}") for number in range(11)]
    return scim


def walk(scim, kind="Users", count=4, **params):
    """All pages from the first to the last."""
    pages = [scim.get(f"/{kind}", cursor="", count=count, **params)]
    while "nextCursor" in pages[-1]:
        pages.append(scim.get(f"/{kind}", cursor=pages[-1]["nextCursor"], count=count, **params))
    return pages


def names(pages):
    return [found["userName"] for page in pages for found in page["Resources"]]


@requirement("9865-2-02", "9865-2-06", "9865-2-07")
def test_walking(crowd):
    pages = walk(crowd)
    assert [len(page["Resources"]) for page in pages] == [4, 4, 3]
    assert ["nextCursor" in page for page in pages] == [True, True, False]
    assert sorted(names(pages)) == [person["userName"] for person in crowd.people]
    for page in pages:
        assert page["schemas"] == [tenure.LIST]
        assert (page["totalResults"], page["itemsPerPage"]) == (11, len(page["Resources"]))
    assert len(walk(crowd, count=11)) == 1
    assert len(walk(crowd, count=1000)) == 1


@requirement("9865-2-02")
def test_first_page(crowd):
    """`?cursor` and `?cursor=` both ask for it."""
    first = crowd.get("/Users", cursor="", count=4)
    assert crowd.get("/Users?cursor", count=4)["Resources"] == first["Resources"]
    assert crowd.get("/Users?cursor", count=4)["nextCursor"]


@requirement("9865-2-03", "9865-2-04")
def test_shape_of_cursors(crowd):
    for page in walk(crowd):
        assert "previousCursor" not in page
        if "nextCursor" in page:
            assert re.fullmatch(r"[A-Za-z0-9._~-]+", page["nextCursor"])


@requirement("9865-2-06")
def test_counts_with_cursors(crowd):
    empty = crowd.get("/Users", cursor="", count=-3)
    assert (empty["totalResults"], empty["Resources"]) == (11, [])
    assert crowd.get("/Users", cursor="", count=0)["Resources"] == []
    limit = crowd.get("/ServiceProviderConfig")["pagination"]["maxPageSize"]
    assert len(crowd.get("/Users", cursor="", count=limit + 1)["Resources"]) == 11


@requirement("9865-2.1-01", "9865-5-02")
@pytest.mark.parametrize("wrong", ["x", "%00", "AAAA", "null", "1", "a" * 5000, "ä"])
def test_bad_cursors(crowd, wrong):
    crowd.error(400, "invalidCursor", "GET", "/Users", params={"cursor": wrong})


@requirement("9865-5-02", "9865-2.1-01")
def test_forged_cursors(crowd):
    cursor = crowd.get("/Users", cursor="", count=4)["nextCursor"]
    details = set()
    for position in range(0, len(cursor), max(1, len(cursor) // 12)):
        other = "B" if cursor[position] == "A" else "A"
        forged = cursor[:position] + other + cursor[position + 1 :]
        details.add(crowd.error(400, "invalidCursor", "GET", "/Users", params={"cursor": forged, "count": 4}))
    for forged in (cursor[:-1], cursor + "A", cursor[::-1]):
        details.add(crowd.error(400, "invalidCursor", "GET", "/Users", params={"cursor": forged, "count": 4}))
    assert len(details) == 1, "an error must not tell what is wrong with a cursor"


@requirement("9865-2.1-01", "9865-5-02")
def test_cursor_of_another_query(crowd):
    cursor = crowd.get("/Users", cursor="", count=4, filter="title pr", sortBy="userName")["nextCursor"]
    same = {"cursor": cursor, "count": 4, "filter": "title pr", "sortBy": "userName"}
    assert crowd.get("/Users", **same)["Resources"]
    for other in ({"filter": 'title eq "T0"'}, {"filter": None}, {"sortBy": "title"}, {"sortOrder": "descending"}):
        crowd.error(400, "invalidCursor", "GET", "/Users", params=same | other)
    crowd.error(400, "invalidCursor", "GET", "/Groups", params={"cursor": cursor, "count": 4})


@requirement("9865-2.1-02", "contested-40")
@pytest.mark.parametrize("wrong", ["x", "1.5", "1e2"])
def test_bad_counts(crowd, wrong):
    crowd.error(400, "invalidCount", "GET", "/Users", params={"cursor": "", "count": wrong})
    cursor = crowd.get("/Users", cursor="", count=4)["nextCursor"]
    crowd.error(400, "invalidCount", "GET", "/Users", params={"cursor": cursor, "count": wrong})


@requirement("9865-2.1-02")
def test_another_count(crowd):
    """A page of another size than the first is refused, or neither repeats nor skips."""
    first = crowd.get("/Users", cursor="", count=4, sortBy="userName")
    params = {"cursor": first["nextCursor"], "count": 3, "sortBy": "userName"}
    answer = crowd.request("GET", "/Users", params=params)
    if answer.status_code == 400:
        assert answer.json()["scimType"] == "invalidCount"
    else:
        assert names([answer.json()]) == ["user04", "user05", "user06"]


@requirement("9865-2.2-01")
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_order_over_pages(crowd, order):
    found = names(walk(crowd, sortBy="userName", sortOrder=order))
    assert found == sorted(found, reverse=order == "descending")
    assert len(found) == 11
    titles = [user["title"] for page in walk(crowd, sortBy="title", sortOrder=order) for user in page["Resources"]]
    assert titles == sorted(titles, reverse=order == "descending")


@requirement("9865-2.2-01", "9865-2-02")
def test_filter_over_pages(crowd):
    pages = walk(crowd, count=2, filter='title eq "T1"', attributes="userName")
    assert sorted(names(pages)) == ["user01", "user04", "user07", "user10"]
    assert all(set(found) == {"schemas", "id", "userName"} for page in pages for found in page["Resources"])


@requirement("9865-2-02", "9865-2.2-01")
def test_changes_between_pages(new_workspace):
    """Who is deleted or created between two pages neither shifts the others nor hides one."""
    scim = new_workspace("Moving cursors")
    people = [scim.user(userName=f"user{number:02}") for number in range(9)]
    for params in ({}, {"sortBy": "userName"}):
        first = scim.get("/Users", cursor="", count=4, **params)
        seen = [found["id"] for found in first["Resources"]]
        scim.gone(first["Resources"][0])
        page = first
        while "nextCursor" in page:
            page = scim.get("/Users", cursor=page["nextCursor"], count=4, **params)
            seen += [found["id"] for found in page["Resources"]]
        left = {found["id"] for found in scim.all("Users")} | {first["Resources"][0]["id"]}
        assert len(seen) == len(set(seen))
        assert set(seen) == left
    assert len(people) == 9


@requirement("9865-2.3-01", "9865-2.4-01")
def test_default_is_by_index(crowd):
    page = crowd.get("/Users", count=4)
    assert "nextCursor" not in page
    assert page["startIndex"] == 1
    assert crowd.get("/Users", startIndex=5, count=4)["startIndex"] == 5


@requirement("9865-3-01")
def test_search_with_cursor(crowd):
    found, cursor = [], ""
    while cursor is not None:
        page = crowd.search("/Users", cursor=cursor, count=4, sortBy="userName")
        found += [user["userName"] for user in page["Resources"]]
        cursor = page.get("nextCursor")
    assert found == [person["userName"] for person in crowd.people]
    crowd.error(400, "invalidCursor", "POST", "/Users/.search", {"cursor": "x"})


@requirement("9865-4-01")
def test_configuration_of_paging(crowd):
    assert crowd.get("/ServiceProviderConfig")["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 1000,
        "cursorTimeout": 3600,
    }


@requirement("9865-4-01", "7643-7-02")
def test_schema_of_the_configuration_has_paging(crowd):
    urn = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
    schema = {item["name"]: item for item in crowd.get(f"/Schemas/{urn}")["attributes"]}
    parts = {part["name"]: part["type"] for part in schema["pagination"]["subAttributes"]}
    assert parts == {
        "cursor": "boolean",
        "index": "boolean",
        "defaultPaginationMethod": "string",
        "defaultPageSize": "integer",
        "maxPageSize": "integer",
        "cursorTimeout": "integer",
    }


@requirement("9865-5-01")
def test_cursor_opens_nothing_to_others(crowd, new_workspace, service):
    cursor = crowd.get("/Users", cursor="", count=4)["nextCursor"]
    stranger = new_workspace("Cursor thief")
    stranger.error(400, "invalidCursor", "GET", "/Users", params={"cursor": cursor, "count": 4})
    assert service.scim("tnr_none").request("GET", "/Users", params={"cursor": cursor}).status_code == 401
    # The workspace's other token sees what it may see anyway.
    sibling = Client(crowd.base, crowd.workspace.token("second"))
    answer = sibling.request("GET", "/Users", params={"cursor": cursor, "count": 4})
    assert answer.status_code in (200, 400)


@requirement("9865-2.4-01", "9865-2-02")
def test_cursors_of_groups(crowd):
    for number in range(5):
        crowd.group(*crowd.people[:number])
    pages = walk(crowd, "Groups", count=2, excludedAttributes="members")
    assert [len(page["Resources"]) for page in pages] == [2, 2, 1]


@requirement("7644-3.4.2.1-03", "9865-2.4-01")
def test_deep_index_points_to_cursors(server, tmp_path):
    """Beyond 100,000 results by index: refused, with the way that works. On a server of its own, for its size."""
    workspace = server.workspace("Deep pages")
    scim = Client(f"{server.url}/scim", workspace.token())
    file = tmp_path / "people.csv"
    file.write_text("userName\n" + "".join(f"u{number}\n" for number in range(100_010)))
    workspace.run("import", file)
    assert scim.get("/Users", startIndex=100_000, count=1, attributes="id")["itemsPerPage"] == 1
    detail = scim.error(400, "invalidValue", "GET", "/Users", params={"startIndex": 100_005, "count": 1})
    assert "cursor" in detail
    beyond = scim.get("/Users", startIndex=100_011, count=1)
    assert (beyond["totalResults"], beyond["Resources"]) == (100_010, [])
