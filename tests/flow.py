"""One person's joining, moving and leaving, told once for every SCIM server that can be provisioned into."""

import tenure

PEOPLE = ["Ada Okafor", "Björn Lindqvist", "Chen Fang", "Dana Ibáñez", "Eero Mäkinen"]
ADA, BJORN, CHEN, DANA, EERO = (tenure.person(name)["userName"] for name in PEOPLE)


class Directory:
    """The people in S, put there over SCIM as an identity provider does."""

    def __init__(self, scim):
        self.scim = scim
        self.ids = {}
        for name in PEOPLE:
            created = scim.create("Users", tenure.person(name))
            self.ids[created["userName"]] = created["id"]

    def change(self, user_name, *operations):
        self.scim.patch("Users", self.ids[user_name], *operations)

    def delete(self, user_name):
        self.scim.delete("Users", self.ids.pop(user_name))

    def group(self, name, *members):
        document = {"schemas": [tenure.GROUP], "displayName": name, "members": self.references(*members)}
        return self.scim.create("Groups", document)["id"]

    def references(self, *members):
        return [{"value": self.ids[member]} for member in members]


class Flow:
    """The steps, each with what must be true at the target afterwards.

    `target` is a SCIM client for the receiving side that the test itself uses to look. `cycle` makes the changes
    arrive: it runs a cycle and returns its counters, or waits for the scheduler and returns None.
    """

    def __init__(self, directory, application, target, groups=True):
        self.directory = directory
        self.application = application
        self.target = target
        self.groups = groups
        self.target_ids = {}

    def cycle(self, **expected):
        """One cycle, and exactly these effects: whatever is not named is zero."""
        counts = self.application.counts()
        wanted = {"created": 0, "updated": 0, "disabled": 0, "deleted": 0, "failed": 0} | expected
        assert counts == wanted

    def same(self, *user_names):
        """These people are at the target as they are in S, once each."""
        for user_name in user_names:
            source = tenure.essence(self.directory.scim.get(f"/Users/{self.directory.ids[user_name]}"))
            account = self.target.user(user_name)
            assert account, f"{user_name} is not at the target"
            assert tenure.essence(account) == source
            assert self.target_ids.setdefault(user_name, account["id"]) == account["id"]

    def absent(self, *user_names):
        for user_name in user_names:
            assert self.target.user(user_name) is None, f"{user_name} is at the target"

    def active(self, user_name):
        return self.target.user(user_name)["active"]

    def manager(self, user_name):
        return self.target.user(user_name).get(tenure.ENTERPRISE, {}).get("manager", {}).get("value")

    def members(self, name):
        group = self.target.group(name)
        assert group, f"group {name} is not at the target"
        return tenure.member_names(self.target, group)

    def joiners(self):
        """Assigned people get accounts; a dry run before says so and does nothing."""
        self.application.assign(ADA, BJORN, CHEN)
        planned = self.application.counts("--dry-run")
        assert planned == {"created": 3, "updated": 0, "disabled": 0, "deleted": 0, "failed": 0}
        self.absent(*self.directory.ids)
        self.cycle(created=3)
        self.same(ADA, BJORN, CHEN)
        self.absent(DANA, EERO)
        self.cycle()

    def mover(self):
        """Attributes follow. A value that goes away in S is left alone at the target: nothing is sent for it."""
        self.directory.change(
            BJORN,
            {"op": "replace", "path": "title", "value": "Master weaver"},
            {"op": "replace", "path": f"{tenure.ENTERPRISE}:department", "value": "Design"},
            {"op": "replace", "path": "name.familyName", "value": "Ågren"},
        )
        self.directory.change(CHEN, {"op": "remove", "path": "title"})
        title = self.target.user(CHEN)["title"]
        self.cycle(updated=1)
        self.same(ADA, BJORN)
        assert self.target.user(BJORN)["title"] == "Master weaver"
        assert self.target.user(CHEN)["title"] == title
        self.directory.change(CHEN, {"op": "add", "path": "title", "value": title})
        self.cycle()

    def manager_reference(self):
        """A manager becomes a reference between accounts of the target, not of S."""
        value = {"value": self.directory.ids[ADA]}
        self.directory.change(BJORN, {"op": "add", "path": f"{tenure.ENTERPRISE}:manager", "value": value})
        self.cycle(updated=1)
        assert self.manager(BJORN) == self.target_ids[ADA]

    def group_membership(self):
        """A group with its members; joining and leaving it."""
        group = self.directory.group("Weavers", ADA, BJORN)
        self.application.assign(groups=["Weavers"])
        self.application.counts()
        assert self.members("Weavers") == [ADA, BJORN]
        operation = {"op": "add", "path": "members", "value": self.directory.references(CHEN)}
        self.directory.scim.patch("Groups", group, operation)
        self.cycle(updated=1)
        assert self.members("Weavers") == sorted([ADA, BJORN, CHEN])
        path = f'members[value eq "{self.directory.ids[ADA]}"]'
        self.directory.scim.patch("Groups", group, {"op": "remove", "path": path})
        self.cycle(updated=1)
        assert self.members("Weavers") == sorted([BJORN, CHEN])

    def unassigned_and_back(self):
        """Who loses the application keeps a disabled account, and gets the same one back."""
        self.application.assign(DANA)
        self.cycle(created=1)
        self.same(DANA)
        self.application.unassign(DANA)
        self.cycle(disabled=1)
        assert self.active(DANA) is False
        self.application.assign(DANA)
        self.cycle(updated=1)
        assert self.active(DANA) is True
        self.same(DANA)

    def inactive_and_back(self):
        """Who is switched off in S is switched off at the target."""
        self.directory.change(DANA, {"op": "replace", "path": "active", "value": False})
        self.cycle(disabled=1)
        assert self.active(DANA) is False
        self.directory.change(DANA, {"op": "replace", "path": "active", "value": True})
        self.cycle(updated=1)
        self.same(DANA)

    def leaver(self):
        """Who is deleted in S is deleted at the target, and nobody else."""
        self.directory.delete(DANA)
        self.cycle(deleted=1)
        self.absent(DANA, EERO)
        self.same(ADA, BJORN, CHEN)

    def everything(self):
        self.joiners()
        self.mover()
        self.manager_reference()
        if self.groups:
            self.group_membership()
        self.unassigned_and_back()
        self.inactive_and_back()
        self.leaver()
        self.cycle()
