// The npm package scim-patch: checks and applies PATCH requests.
// Reads {"cases": [{"document": resource, "requests": [PatchOp document, …]}, …]} from stdin, applies every case's
// requests one after the other, and prints the document after each of them: [[document, …], …].
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.env.PEERS ?? process.cwd()}/`);
const { patchBodyValidation, scimPatch } = require("scim-patch");

const { cases } = JSON.parse(readFileSync(0, "utf8"));
const answers = cases.map(({ document, requests }) => {
  let current = document;
  return requests.map((request) => {
    patchBodyValidation(request);
    return (current = scimPatch(current, request.Operations, { mutateDocument: false }));
  });
});
console.log(JSON.stringify(answers));
