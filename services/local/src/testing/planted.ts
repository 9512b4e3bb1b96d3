// Test builds of a process: some of its modules are replaced by others when they are loaded. The product knows
// nothing of it; the process is only started with one more option.
import { pathToFileURL } from "node:url";

/** A module of a process and what stands in for it: paths below services, without `src` or `dist` and extension. */
export interface Substitution {
  /** For example "wallet/io/cursors". */
  readonly original: string;
  /** For example "wallet/testing/planted/any-epoch". It may import the original, and gets it. */
  readonly planted: string;
  /** What of the original it replaces; all else stays. */
  readonly names: readonly string[];
}

/**
 * Environment of a process with substitutions: NODE_OPTIONS that hook into its loader. It fails to start when a
 * module that stands in cannot be loaded; whether the original is ever asked for it cannot say.
 */
export function plantedEnv(
  substitutions: readonly Substitution[],
  build: { readonly servicesFolder: string; readonly from: "dist" | "source" },
): Record<string, string> {
  const urlOf = (path: string) => {
    const [service = "", ...rest] = path.split("/");
    const [folder, extension] = build.from === "dist" ? ["dist", "js"] : ["src", "ts"];
    const base = pathToFileURL(`${build.servicesFolder}/`).href;
    return `${base}${service}/${folder}/${rest.join("/")}.${extension}`;
  };
  const stands = substitutions.map(({ original, planted, names }) => {
    const [url, by] = [urlOf(original), urlOf(planted)];
    // What is named comes before what a star brings.
    const facade = `export * from "${url}"; export { ${names.join(", ")} } from "${by}";`;
    return { url, by, facade: dataUrl(facade) };
  });
  const hooks = `
    const stands = ${JSON.stringify(stands)};
    export async function resolve(specifier, context, next) {
      const found = await next(specifier, context);
      const url = found.url.split("?")[0];
      const from = (context.parentURL ?? "").split("?")[0];
      const stand = stands.find((each) => each.url === url);
      if (stand === undefined || from === stand.by || from === stand.facade) return found;
      return { url: stand.facade, format: "module", shortCircuit: true };
    }`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(hooks))});`;
  return { NODE_OPTIONS: `--import ${dataUrl(register)}` };
}

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
