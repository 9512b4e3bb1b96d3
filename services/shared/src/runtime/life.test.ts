import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";

test("a process ends when everything is closed, whatever a library still holds", async () => {
  const life = new URL("./life.ts", import.meta.url).href;
  const source = `
    const { createLife } = await import(${JSON.stringify(life)});
    const log = { info: (what, text) => console.log(text ?? what), fatal: console.error };
    const life = createLife({ log, drainMsMax: 60_000 });
    setInterval(() => {}, 1_000);
    const ended = life.runUntilSignal();
    process.stdout.write("up\\n");
    await ended;`;
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const args = ["--conditions=source", "--import", tsx, "--input-type=module", "--eval", source];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (output === "up\n") child.kill("SIGTERM");
  });
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
  expect(output).toMatch(/stopped\n$/);
});
