// Serves the npm packages scimmy and scimmy-routers over a Map: an independent SCIM server for the black-box tests.
// Usage: node scimmy.mjs PORT TOKEN, with PEERS naming the folder in which package.json was installed. Port 0 picks one.
// Prints "listening on http://HOST:PORT/scim/v2" when ready. Nothing is kept.
import { createRequire } from "node:module";
import { randomUUID } from "node:crypto";

const require = createRequire(`${process.env.PEERS ?? process.cwd()}/`);
const unwrapped = (name) => {
  let module = require(name);
  while (module?.default) module = module.default;
  return module;
};
const express = unwrapped("express");
const SCIMMY = unwrapped("scimmy");
const SCIMMYRouters = unwrapped("scimmy-routers");
const [port, token] = [Number(process.argv[2] ?? 0), process.argv[3] ?? "secret"];

/** Declares a resource type whose resources live in a Map and have a unique name, compared without case. */
function serve(Type, nameAttribute) {
  const byId = new Map();
  const idOfName = new Map();
  const nameOf = (record) => String(record[nameAttribute] ?? "").toLowerCase();
  const find = (id) => {
    const record = byId.get(id);
    if (!record) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
    return record;
  };
  SCIMMY.Resources.declare(Type)
    .ingress((resource, data) => {
      const former = resource.id ? find(resource.id) : undefined;
      const id = resource.id ?? randomUUID();
      const record = { ...JSON.parse(JSON.stringify(data)), id };
      const holder = idOfName.get(nameOf(record));
      if (holder && holder !== id) throw new SCIMMY.Types.Error(409, "uniqueness", `${nameAttribute} is taken`);
      const now = new Date().toISOString();
      record.meta = { created: former?.meta.created ?? now, lastModified: now };
      if (former) idOfName.delete(nameOf(former));
      idOfName.set(nameOf(record), id);
      byId.set(id, record);
      return record;
    })
    .egress((resource) => {
      if (resource.id) return find(resource.id);
      const all = [...byId.values()];
      return resource.filter ? resource.filter.match(all) : all;
    })
    .degress((resource) => {
      idOfName.delete(nameOf(find(resource.id)));
      byId.delete(resource.id);
    });
}

serve(SCIMMY.Resources.User, "userName");
serve(SCIMMY.Resources.Group, "displayName");
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);

const app = express();
const handler = (request) => {
  if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("Wrong bearer token");
  return "tester";
};
app.use("/scim/v2", new SCIMMYRouters({ type: "bearer", handler }));
const server = app.listen(port, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/scim/v2`);
});
