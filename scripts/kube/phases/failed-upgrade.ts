// Upgrades that must fail, and that the running version must not feel.
import { mustHold } from "../figures.js";
import { during, type Session } from "../session.js";
import type { Values } from "../values.js";
import { complaintOf } from "./pods.js";
import { lastWords } from "./words.js";

interface FailingUpgrade {
  readonly name: string;
  readonly change: Values;
  /** A part of what must be said, by helm or by a pod. */
  readonly says: RegExp;
}

const failing: readonly FailingUpgrade[] = [
  {
    name: "an image that does not exist",
    change: { image: { tag: "there-is-no-such-image" } },
    says: /ErrImagePull|ImagePullBackOff|not found|failed/i,
  },
  {
    name: "a setting that the matcher refuses",
    change: { matcher: { settings: { segmentBytes: 1 } } },
    says: /segmentBytes/,
  },
  {
    name: "gateways that never get ready",
    change: { orderGateway: { nodeOptions: "--no-such-option" } },
    says: /no-such-option|not allowed|bad option|deadline|timed out|not ready/i,
  },
];

/** Each fails within its time, rolls back by itself, and leaves every pod as it was. */
export async function failUpgrades(session: Session): Promise<void> {
  const { figures, release, say } = session;
  for (const { change, name, says } of failing) {
    const before = await podsText(session);
    let complaint = "";
    await during(session, { name: `failed upgrade: ${name}` }, async () => {
      complaint = await failureOf(session, change);
    });
    await release.untilReady(90);
    const isUnharmed = (await podsText(session)) === before;
    say(`  ${complaint}`);
    figures.push(
      mustHold(
        `failed upgrade: ${name}`,
        isUnharmed ? "rolled back, no pod touched" : "pods were touched",
        "no pod touched",
        isUnharmed,
      ),
      mustHold(
        `  and says why`,
        says.test(complaint) ? "yes" : complaint.slice(0, 60),
        "yes",
        says.test(complaint),
      ),
    );
  }
}

async function failureOf(session: Session, change: Values): Promise<string> {
  // Whatever fails first says why, and rolling back takes it away: so it is asked while it is there.
  const words = lastWords(session.cluster, session.release);
  try {
    await session.release.upgrade(change, { isAtomic: true, timeoutSeconds: 60 });
  } catch (error) {
    const said = await words.stop();
    return [lastLine(complaintOf(error)), said].filter((text) => text !== "").join("; ");
  }
  await words.stop();
  throw new Error("the upgrade should have failed");
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/** Names, uids and restarts: what does not change when nobody touches anything. */
async function podsText({ release }: Session): Promise<string> {
  const pods = await release.pods();
  return pods
    .map(({ name, restarts, uid }) => `${name} ${uid} ${restarts}`)
    .sort()
    .join("\n");
}
