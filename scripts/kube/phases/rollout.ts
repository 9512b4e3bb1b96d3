// Every workload rolled forward and back under load.

import { mustHold } from "../figures.js";
import { during, type Session } from "../session.js";

/** A changed annotation on every pod, and helm rollback. */
export async function rollEverything(session: Session): Promise<void> {
  const { figures, release } = session;
  const before = release.values;
  const uids = await uidsOf(session);
  await during(session, { name: "rolling upgrade" }, async () => {
    await release.upgrade(
      { pods: { podAnnotations: { "bourse.test/round": "1" } } },
      { timeoutSeconds: 300 },
    );
    await release.untilReady(60);
  });
  const upgraded = await uidsOf(session);
  await during(session, { name: "helm rollback" }, async () => {
    await release.rollback(before, 300);
    await release.untilReady(60);
  });
  const back = await uidsOf(session);
  const kept =
    [...uids].filter((uid) => upgraded.has(uid)).length + [...upgraded].filter((uid) => back.has(uid)).length;
  figures.push(mustHold("upgrade and rollback replaced every pod", `${kept} kept`, "0 kept", kept === 0));
}

async function uidsOf({ release }: Session): Promise<Set<string>> {
  return new Set((await release.pods()).map(({ uid }) => uid));
}
