// Two npm packages that parse and evaluate SCIM filters: scim2-parse-filter and scim-query-filter-parser.
// Reads {"people": [document, …], "filters": [syntax tree of scim2-parse-filter, …]} from stdin and prints, for every
// filter, its text and the userNames that each package finds: [{"text": …, "found": {PACKAGE: [userName, …]}}, …].
// What scim-query-filter-parser cannot read, such as `not` and URNs, finds `null`.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.env.PEERS ?? process.cwd()}/`);
const { filter, parse, stringify } = require("scim2-parse-filter");
const { compileFilter } = require("scim-query-filter-parser");

const { people, filters } = JSON.parse(readFileSync(0, "utf8"));
const names = (test) => people.filter(test).map((person) => person.userName);

const compiled = (text) => {
  try {
    return compileFilter(text);
  } catch (error) {
    if (error.message === "Failed to parse!") return null;
    throw error;
  }
};

const answers = filters.map((tree) => {
  const text = stringify(tree);
  const second = compiled(text);
  return {
    text,
    found: {
      "scim2-parse-filter": names(filter(parse(text))),
      "scim-query-filter-parser": second && names(second),
    },
  };
});
console.log(JSON.stringify(answers));
