/** The name `@std/cli/parse-args` of the import map, over Node's parser. */
export { parseArgs } from "node:util";
