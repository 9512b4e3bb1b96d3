// The external peer in Java: exchange-core's OrderBookDirectImpl from Maven Central, played by our own driver.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { repoRoot } from "../../audit/repo-root.js";
import { type Player, startPlayer } from "./player.js";

const run = promisify(execFile);
const FETCH_MS_MAX = 300_000;

/** What its memory tricks need of Java 17. */
const OPENED = [
  ...["--add-opens", "java.base/jdk.internal.ref=ALL-UNNAMED"],
  ...["--add-opens", "java.base/sun.nio.ch=ALL-UNNAMED"],
  ...["--add-opens", "java.base/java.lang=ALL-UNNAMED"],
  ...["--add-exports", "java.base/jdk.internal.ref=ALL-UNNAMED"],
];

/** Starts the peer; the reason in words when there is no Java, no Maven or no way to Maven Central. */
export async function startExchangeCore(flowPath: string): Promise<Player | string> {
  try {
    const source = join(repoRoot(), "scripts", "bench", "exchange-core");
    const cache = join(repoRoot(), ".bourse", "bench");
    mkdirSync(cache, { recursive: true });
    await run("java", ["-version"], { timeout: FETCH_MS_MAX });
    const classPathFile = join(cache, "exchange-core.classpath");
    const settings = [`-Dmaven.repo.local=${join(cache, "maven")}`, `-Dmdep.outputFile=${classPathFile}`];
    const pom = ["-f", join(source, "pom.xml")];
    await run("mvn", ["-q", "-B", "-ntp", ...pom, ...settings, "dependency:build-classpath"], {
      timeout: FETCH_MS_MAX,
    });
    const classPath = readFileSync(classPathFile, "utf8").trim();
    const heap = ["-Xms2g", "-Xmx2g", "-XX:+UseSerialGC"];
    const args = [...OPENED, ...heap, "-cp", classPath, join(source, "player.java"), flowPath];
    return await startPlayer("exchange-core 0.5.3", "java", args);
  } catch (error) {
    return `exchange-core cannot be run here: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  }
}
