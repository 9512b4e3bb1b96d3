// The OpenAPI document and a page to try it, served from files that are installed: nothing is fetched
// from elsewhere, neither by this process nor by the browser.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { targetOf } from "@bourse/shared/http/node-http.js";
import type { RequestListener } from "@bourse/shared/http/rest.js";
import { sendError } from "@bourse/shared/http/rest.js";

const OPENAPI_FILE = fileURLToPath(new URL("../../../../proto/openapi/openapi.yaml", import.meta.url));
const POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Bourse API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="icon" href="/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="api"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const START = `SwaggerUIBundle({
  url: "/openapi.yaml",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
`;

interface Page {
  readonly type: string;
  readonly read: () => Promise<string | Buffer>;
}

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

const PAGES: ReadonlyMap<string, Page> = new Map([
  ["/openapi.yaml", { type: "application/yaml; charset=utf-8", read: () => readFile(OPENAPI_FILE) }],
  ["/docs", { type: HTML, read: async () => PAGE }],
  ["/docs/", { type: HTML, read: async () => PAGE }],
  ["/docs/start.js", { type: SCRIPT, read: async () => START }],
  ["/docs/swagger-ui-bundle.js", { type: SCRIPT, read: () => swaggerFile("swagger-ui-bundle.js") }],
  ["/docs/swagger-ui.css", { type: "text/css; charset=utf-8", read: () => swaggerFile("swagger-ui.css") }],
  ["/docs/favicon-32x32.png", { type: "image/png", read: () => swaggerFile("favicon-32x32.png") }],
]);

/** True when a path is one of the pages. */
export function isPage(path: string): boolean {
  return PAGES.has(path);
}

/** Makes the listener for the pages. Files are read when they are asked for: few people look. */
export function pagesListener(): RequestListener {
  return async (request, response) => {
    const page = PAGES.get(targetOf(request).path);
    if (page === undefined) return sendError(response, new DomainError("UNIMPLEMENTED"));
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return sendError(response, new DomainError("METHOD_NOT_ALLOWED"));
    }
    try {
      const content = await page.read();
      response.writeHead(200, {
        "content-type": page.type,
        "content-length": Buffer.byteLength(content),
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "cache-control": "public, max-age=300",
      });
      response.end(request.method === "HEAD" ? "" : content);
    } catch {
      sendError(response, new DomainError("UNIMPLEMENTED"));
    }
  };
}

function swaggerFile(name: string): Promise<Buffer> {
  const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  return readFile(join(folder, name));
}
