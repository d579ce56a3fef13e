"""RFC 7644 sections 3.4.2, 3.4.2.1, 3.4.2.3, 3.4.2.4 and 3.4.3: lists, the root, order, pages, search."""

import time

import pytest
from client import SEARCH, new_user, path_of, replace, requirement, unique

import tenure


@pytest.fixture(scope="module")
def crowd(new_workspace):
    """A workspace with twelve users and three groups."""
    scim = new_workspace("Crowd")
    scim.people = [
        scim.user(userName=f"user{number:02}", title=f"T{number % 4}", active=number % 2 == 0) for number in range(12)
    ]
    scim.teams = [scim.group(*scim.people[:number], displayName=f"team{number}") for number in range(3)]
    return scim


@requirement("7644-3.4.2-01")
def test_unknown_parameters(scim, user):
    params = {"filter": f'id eq "{user["id"]}"', "shoeSize": "43", "$top": "0", "": "x"}
    assert scim.get("/Users", **params)["Resources"] == [user]
    assert scim.get(path_of(user), shoeSize=43) == user


@requirement("7644-3.4.2-02", "7644-3.4.2-03", "7644-3.4.2-04", "7644-3.4.2-05", "contested-39")
def test_lists(crowd):
    page = crowd.get("/Users", startIndex=3, count=5)
    assert set(page) == {"schemas", "totalResults", "startIndex", "itemsPerPage", "Resources"}
    assert page["schemas"] == [tenure.LIST]
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"], len(page["Resources"])) == (12, 3, 5, 5)
    last = crowd.get("/Users", startIndex=11, count=5)
    assert (last["totalResults"], last["startIndex"], last["itemsPerPage"], len(last["Resources"])) == (12, 11, 2, 2)


@requirement("7644-3.4.2-06", "contested-39", "client habit 17")
def test_nothing_found(empty):
    for kind in ("/Users", "/Groups"):
        for params in ({}, {"filter": 'externalId eq "none"'}, {"filter": "id pr", "count": 5}):
            page = empty.get(kind, **params)
            assert (page["totalResults"], page["itemsPerPage"], page["Resources"]) == (0, 0, [])


@requirement("7644-3.4.2-06", "7644-3.4.2.1-01")
def test_nothing_found_at_the_root(empty):
    for params in ({}, {"filter": 'userName eq "none"'}, {"filter": 'displayName eq "none"', "count": 5}):
        page = empty.get("/", **params)
        assert (page["totalResults"], page["itemsPerPage"], page["Resources"]) == (0, 0, [])


@requirement("7644-3.4.2.1-01", "7644-3.4.2.1-02")
def test_root(crowd):
    for page in (crowd.get("/", count=100), crowd.search(count=100)):
        assert page["totalResults"] == 15
        kinds = [found["meta"]["resourceType"] for found in page["Resources"]]
        assert (kinds.count("User"), kinds.count("Group")) == (12, 3)
    for kind, count in (("User", 12), ("Group", 3), ("Device", 0)):
        page = crowd.get("/", filter=f'meta.resourceType eq "{kind}"')
        assert page["totalResults"] == count
        assert {found["meta"]["resourceType"] for found in page["Resources"]} <= {kind}
    assert crowd.get("/", filter='meta.resourceType eq "User" and title eq "T1"')["totalResults"] == 3


@requirement("7644-3.4.2.1-01")
def test_query_at_a_resource(crowd):
    """A filter at a resource is not defined by RFC 7644 as a condition on it; the resource is what comes back."""
    ada = crowd.people[0]
    assert crowd.get(path_of(ada), attributes="userName", filter='title eq "T0"')["userName"] == "user00"


@requirement("7644-3.4.2.1-02", "7644-3.4.2.4-09")
def test_pages_of_the_root(crowd):
    seen = []
    for start in range(1, 20, 4):
        page = crowd.get("/", startIndex=start, count=4)
        assert page["totalResults"] == 15
        seen += [found["id"] for found in page["Resources"]]
    assert len(seen) == len(set(seen)) == 15


@requirement("7644-3.4.2.1-04", "contested-24")
def test_attributes_that_a_type_lacks(crowd):
    def count(condition):
        return crowd.get("/", filter=condition)["totalResults"]

    assert count('userName eq "user03"') == 1
    assert count('displayName eq "team1"') == 1
    assert count("members pr") == 2
    assert count("not (members pr)") == 13
    assert count('userName ne "user03"') == 14
    assert count('userName eq "user03" or displayName eq "team1"') == 2
    assert count("shoeSize pr") == 0
    assert crowd.search(filter='displayName sw "team"')["totalResults"] == 3


@requirement("7644-3.4.2.1-02", "7644-3.4.2.3-02")
def test_order_of_the_root(crowd):
    page = crowd.get("/", sortBy="id", count=100)
    ids = [found["id"] for found in page["Resources"]]
    assert ids == sorted(ids)
    page = crowd.search(sortBy="displayName", sortOrder="ascending", filter="displayName pr or userName pr", count=100)
    names = [found.get("displayName") for found in page["Resources"]]
    assert names == ["team0", "team1", "team2"] + [None] * 12


@requirement("7644-3.4.2.1-03")
def test_too_many_results_to_count_off(crowd):
    """Nothing is cut silently: the total is whole, pages are short, and going very deep is refused with a hint."""
    page = crowd.get("/Users", count=5000)
    assert page["totalResults"] == page["itemsPerPage"] == 12
    assert crowd.get("/Users", startIndex=200_000)["Resources"] == []


# ---------------------------------------------------------------------------------------------- order


@pytest.fixture(scope="module")
def sorted_by(new_workspace):
    """Makes users with these documents in a workspace of their own, and lists them by name."""
    numbers = iter(range(1000))

    def listing(documents, **params):
        scim = new_workspace(f"Order {next(numbers)}")
        for name, document in documents.items():
            scim.user(userName=name, **document)
        return [found["userName"] for found in scim.get("/Users", **params)["Resources"]]

    return listing


@requirement("7644-3.4.2.3-02", "7644-3.4.2.3-04", "7644-3.4.2.3-05")
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"sortBy": "title"}, "b c a d"),
        ({"sortBy": "title", "sortOrder": "ascending"}, "b c a d"),
        ({"sortBy": "title", "sortOrder": "Descending"}, "d a c b"),
        ({"sortBy": f"{tenure.USER}:TITLE"}, "b c a d"),
        ({"sortBy": "name.familyName"}, "a c b d"),
        ({"sortBy": "name.familyName", "sortOrder": "descending"}, "d b c a"),
        ({"sortBy": "userName", "sortOrder": "descending"}, "d c b a"),
    ],
)
def test_order(sorted_by, params, expected):
    documents = {
        "a": {"title": "zebra", "name": {"familyName": "Adams"}},
        "b": {"title": "Apple", "name": {"familyName": "Zola"}},
        "c": {"title": "mango", "name": {"familyName": "baker"}},
        "d": {},
    }
    assert " ".join(sorted_by(documents, **params)) == expected


@requirement("7644-3.4.2.3-03", "contested-22")
def test_order_of_several_values(sorted_by):
    documents = {
        "a": {"emails": [{"value": "m@b.example"}, {"value": "b@b.example", "primary": True}]},
        "b": {"emails": [{"value": "a@b.example"}, {"value": "z@b.example"}]},
        "c": {"emails": [{"value": "z@b.example"}, {"value": "c@b.example", "primary": True}]},
    }
    for path in ("emails.value", "emails"):
        assert sorted_by(documents, sortBy=path) == ["b", "a", "c"]


@requirement("7644-3.4.2.3-06", "contested-25")
def test_order_of_texts(sorted_by):
    """Titles ignore case, external ids do not; both go by code point."""
    documents = {
        "a": {"title": "B", "externalId": "b"},
        "b": {"title": "a", "externalId": "B"},
        "c": {"title": "\u00e9", "externalId": "_"},
        "d": {"title": "z", "externalId": "A"},
    }
    assert sorted_by(documents, sortBy="title") == ["b", "a", "d", "c"]
    assert sorted_by(documents, sortBy="externalId") == ["d", "b", "c", "a"]


@requirement("7644-3.4.2.3-06")
def test_order_of_times_and_booleans(empty):
    users = []
    for number in range(3):
        users.append(empty.user(active=number != 1)["id"])
        time.sleep(0.003)
    empty.change({"id": users[0], "meta": {"resourceType": "User"}}, replace("title", "x"))

    def listing(**params):
        return [found["id"] for found in empty.get("/Users", **params)["Resources"]]

    assert listing(sortBy="meta.created") == users
    assert listing(sortBy="meta.created", sortOrder="descending") == users[::-1]
    assert listing(sortBy="meta.lastModified") == [users[1], users[2], users[0]]
    assert listing(sortBy="active")[0] == users[1]


@requirement("7644-3.4.2.3-07")
def test_direction_without_attribute(crowd):
    for order in ("descending", "sideways"):
        assert crowd.get("/Users", sortOrder=order)["Resources"] == crowd.get("/Users")["Resources"]


@requirement("7644-3.4.2.3-01", "7644-3.4.2.3-02")
def test_orders_that_are_none(crowd):
    for wrong in ({"sortBy": "shoeSize"}, {"sortBy": "user name"}, {"sortBy": "title", "sortOrder": "sideways"}):
        scim_type = crowd.request("GET", "/Users", params=wrong).json()["scimType"]
        assert scim_type in ("invalidValue", "invalidPath")
    for wrong in ("password", "name", "meta"):
        crowd.error(400, "invalidValue", "GET", "/Users", params={"sortBy": wrong})


# ---------------------------------------------------------------------------------------------- pages


@requirement(
    "7644-3.4.2.4-01", "7644-3.4.2.4-02", "7644-3.4.2.4-03", "7644-3.4.2.4-04", "client habit 15", "client habit 16"
)
@pytest.mark.parametrize(
    ("params", "start", "names"),
    [
        ({"startIndex": 1, "count": 2}, 1, [0, 1]),
        ({"startIndex": 0, "count": 2}, 1, [0, 1]),
        ({"startIndex": -5, "count": 2}, 1, [0, 1]),
        ({"startIndex": 11, "count": 5}, 11, [10, 11]),
        ({"startIndex": 12}, 12, [11]),
        ({"count": 0}, 1, []),
        ({"count": -1}, 1, []),
        ({"startIndex": 13}, 13, []),
        ({"startIndex": 5000, "count": 5}, 5000, []),
        ({"count": 1}, 1, [0]),
        ({}, 1, list(range(12))),
        ({"count": 100000}, 1, list(range(12))),
        ({"count": "99999999999999999999999"}, 1, list(range(12))),
    ],
)
def test_pages(crowd, params, start, names):
    for page in (crowd.get("/Users", sortBy="userName", **params), crowd.search("/Users", sortBy="userName", **params)):
        assert page["totalResults"] == 12
        assert page["startIndex"] == start
        assert page["itemsPerPage"] == len(names)
        assert [found["userName"] for found in page["Resources"]] == [f"user{number:02}" for number in names]


@requirement("7644-3.4.2.4-06", "contested-39")
def test_beyond_the_end(crowd):
    for start in (13, 100_001, 10**30):
        page = crowd.get("/Users", startIndex=start, count=5)
        assert (page["totalResults"], page["itemsPerPage"], page["Resources"]) == (12, 0, [])


@requirement("7644-3.4.2.4-07", "contested-40", "client habit 15")
def test_longest_page(new_workspace, tmp_path):
    scim = new_workspace("Long pages")
    file = tmp_path / "people.csv"
    file.write_text("userName\n" + "".join(f"u{number}\n" for number in range(1100)))
    scim.workspace.run("import", file)
    limit = scim.get("/ServiceProviderConfig")["filter"]["maxResults"]
    page = scim.get("/Users", count=limit + 1, attributes="id")
    assert (page["totalResults"], page["itemsPerPage"], len(page["Resources"])) == (1100, limit, limit)
    assert scim.get("/Users", attributes="id")["itemsPerPage"] == 100
    scim.error(400, "invalidValue", "GET", "/Users", params={"startIndex": "x"})


@requirement("7644-3.4.2.4-08", "contested-40")
@pytest.mark.parametrize("wrong", ["x", "1.5", "1e3", "--1", "0x10", "one"])
def test_page_numbers_that_are_none(crowd, wrong):
    for name in ("startIndex", "count"):
        assert name in crowd.error(400, "invalidValue", "GET", "/Users", params={name: wrong})


@requirement("7644-3.4.2.4-09")
def test_pages_without_order(crowd):
    seen = []
    for start in range(1, 13, 5):
        seen += [found["id"] for found in crowd.get("/Users", startIndex=start, count=5)["Resources"]]
        # A change of another resource, or of one that was seen, moves nobody.
        crowd.change(crowd.people[0], replace("nickName", unique()))
    assert sorted(seen) == sorted(person["id"] for person in crowd.people)


# --------------------------------------------------------------------------------------------- search


@requirement("7644-3.4.3-01", "7644-3.4.3-02", "7644-3.4.3-03", "7644-7.5.2-02", "contested-49")
def test_search_is_get(crowd):
    params = {
        "filter": 'title eq "T1" or title eq "T2"',
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 2,
        "count": 3,
    }
    for kind in ("/Users", ""):
        assert crowd.search(kind, **params) == crowd.get(kind or "/", **params)
    assert crowd.search("/Groups", sortBy="displayName") == crowd.get("/Groups", sortBy="displayName")
    by_name = {"filter": 'userName eq "user05"'}
    assert crowd.search("/Users", **by_name) == crowd.get("/Users", **by_name)
    assert crowd.get("/Users", **by_name)["totalResults"] == 1


@requirement("7644-3.4.3-04")
def test_selections_of_a_search(crowd):
    found = crowd.search("/Users", filter='userName eq "user01"', attributes=["userName", "title"])["Resources"]
    assert [set(user) for user in found] == [{"schemas", "id", "userName", "title"}]
    found = crowd.search("/Users", filter='userName eq "user01"', excludedAttributes=["title", "meta"])["Resources"]
    assert not {"title", "meta"} & set(found[0])


@requirement("7644-3.4.3-02", "contested-29")
def test_searches_that_are_none(crowd):
    for wrong in ({"schemas": [tenure.PATCH]}, {"schemas": [tenure.USER]}):
        crowd.error(400, "invalidSyntax", "POST", "/Users/.search", wrong)
    for wrong in ({"filter": 5}, {"attributes": {"a": 1}}, {"count": "x"}, {"attributes": [5]}):
        assert crowd.request("POST", "/Users/.search", {"schemas": [SEARCH]} | wrong).status_code == 400
    crowd.error(400, "invalidFilter", "POST", "/Users/.search", {"schemas": [SEARCH], "filter": "title"})
    assert crowd.expect(200, "POST", "/Users/.search", {"count": 1})["totalResults"] == 12
    assert crowd.request("POST", "/Users/.search", new_user()).status_code == 400
