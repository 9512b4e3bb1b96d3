// Upgrades that must fail, and that the running version must not feel.
import { mustHold } from "../figures.js";
import { during, type Session } from "../session.js";
import { shardsOf, type Values } from "../values.js";
import { complaintOf } from "./pods.js";
import { lastWords } from "./words.js";

interface FailingUpgrade {
  readonly name: string;
  readonly change: Values;
  /** A part of what must be said, by helm or by a pod. */
  readonly says: RegExp;
  /** It cannot but replace the pod of the last shard; no other may be touched. */
  readonly touchesLastShard?: true;
}

const failing: readonly FailingUpgrade[] = [
  {
    name: "an image that does not exist",
    change: { image: { tag: "there-is-no-such-image" } },
    says: /ErrImagePull|ImagePullBackOff/,
  },
  {
    name: "a setting that the schema refuses",
    change: { matcher: { settings: { segmentBytes: 1 } } },
    says: /segmentBytes/,
  },
  {
    name: "a setting that a process refuses",
    change: { orderGateway: { settings: { trustedProxies: ["nobody"] } } },
    says: /trustedProxies/,
  },
  {
    name: "gateways that never get ready",
    change: { orderGateway: { nodeOptions: "--no-such-option" } },
    says: /no-such-option/,
  },
  {
    // One pod at a time holds a shard, so the last shard is away until the rollback; the others never are.
    name: "shards that never get ready",
    change: { matcher: { nodeOptions: "--no-such-option" } },
    says: /no-such-option/,
    touchesLastShard: true,
  },
];

/** Each fails within its time and rolls back by itself; no pod is touched that need not be. */
export async function failUpgrades(session: Session): Promise<void> {
  const { figures, release, say } = session;
  for (const { change, name, says, touchesLastShard } of failing) {
    const lastShard = `-matcher-${shardsOf(release.values) - 1}`;
    const touched = touchesLastShard === true ? lastShard : undefined;
    const before = await podsText(session, touched);
    let complaint = "";
    await during(session, { name: `failed upgrade: ${name}` }, async () => {
      complaint = await failureOf(session, change);
    });
    await release.untilReady(90);
    const isUnharmed = (await podsText(session, touched)) === before;
    const what = touched === undefined ? "pod" : "other pod";
    say(`  ${complaint}`);
    figures.push(
      mustHold(
        `failed upgrade: ${name}`,
        isUnharmed ? `rolled back, no ${what} touched` : `${what}s were touched`,
        `no ${what} touched`,
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
async function podsText({ release }: Session, touched?: string): Promise<string> {
  const pods = await release.pods();
  return pods
    .filter(({ name }) => touched === undefined || !name.endsWith(touched))
    .map(({ name, restarts, uid }) => `${name} ${uid} ${restarts}`)
    .sort()
    .join("\n");
}
