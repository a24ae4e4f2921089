// Writes src/schema.ts from docs/openapi.json; with --check says whether it is what is committed.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const document = new URL("../../../docs/openapi.json", import.meta.url);
const target = new URL("../src/schema.ts", import.meta.url);

const api = JSON.parse(await readFile(document, "utf8"));
// A title that only repeats the name says nothing in a comment.
function untitled(node) {
  if (Array.isArray(node)) return node.map(untitled);
  if (node === null || typeof node !== "object") return node;
  const entries = Object.entries(node).filter(([name, value]) => name !== "title" || typeof value !== "string");
  return Object.fromEntries(entries.map(([name, value]) => [name, untitled(value)]));
}

const types = astToString(
  await openapiTS({ ...untitled(api), info: api.info }, { defaultNonNullable: false, alphabetize: true }),
);
const codes = api["x-error-codes"].map((code) => `  | ${JSON.stringify(code)}`).join("\n");
// What a program needs to know before it asks.
const { encoding } = api.paths["/api/v1/images/upload"].post.requestBody.content["multipart/form-data"];
const mediaTypes = encoding.file.contentType.split(", ").map((type) => `  ${JSON.stringify(type)},`);
const text = `// Made from docs/openapi.json by \`npm run generate\`; changes are overwritten.
/* eslint-disable */
${types}
/** Codes of the errors that the service knows. */
export type KnownErrorCode =
${codes};
/** Media types of the pictures that may be uploaded. */
export const MEDIA_TYPES: readonly string[] = [
${mediaTypes.join("\n")}
];
/** How many pictures a batch may have. */
export const MOST_IN_BATCH = ${api.components.schemas.BatchRequest.properties.images.maxItems};
`;

if (process.argv.includes("--check")) {
  const committed = await readFile(target, "utf8").catch(() => "");
  if (committed !== text) {
    console.error("src/schema.ts does not match docs/openapi.json: run npm run generate -w clients/typescript");
    process.exit(1);
  }
} else {
  await writeFile(target, text);
}
