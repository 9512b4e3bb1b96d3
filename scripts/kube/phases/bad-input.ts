// What must be refused: in words, and before anything that runs is touched.
import { mustHold } from "../figures.js";
import { restrictedContainer } from "../load-pod.js";
import type { Session } from "../session.js";
import { until } from "../until.js";
import { marketsOf, newMarket, shardsOf, type Values } from "../values.js";
import { newerJournalScript } from "./newer-journal.js";
import { complaintOf } from "./pods.js";
import { reasonOf } from "./words.js";

interface BadValues {
  readonly name: string;
  readonly change: (values: Values) => Values;
  readonly says: RegExp;
}

const badValues: readonly BadValues[] = [
  {
    name: "a market on two shards",
    change: (values) => ({ markets: [...marketsOf(values), { ...marketsOf(values)[0], shard: 1 }] }),
    says: /BTC\/USDT.*(shard|twice|once)/,
  },
  {
    name: "a market on a shard without replica",
    change: (values) => ({ markets: [...marketsOf(values), newMarket("BAD/USDT", shardsOf(values))] }),
    says: /BAD\/USDT.*shard/,
  },
  {
    name: "a tick that does not fit",
    change: (values) => ({
      markets: [
        ...marketsOf(values),
        { ...newMarket("BAD/USDT", 0), tickSize: "0.00000001", lotSize: "0.00000001" },
      ],
    }),
    says: /BAD\/USDT.*(tick|lot)/,
  },
  {
    name: "a missing secret",
    change: () => ({ postgres: { existingSecret: "not-there" } }),
    says: /not-there/,
  },
  {
    name: "a shard fewer",
    change: (values) => ({ matcher: { shards: shardsOf(values) - 1 } }),
    says: /shard/,
  },
];

/** Values that the chart refuses, and a journal that the matcher refuses. */
export async function refuseBadInput(session: Session): Promise<void> {
  const { figures, release, say } = session;
  const before = JSON.stringify(await release.pods());
  for (const { change, name, says } of badValues) {
    const complaint = await refusalOf(session, change(release.values));
    const isClear = says.test(complaint);
    say(`${name}: ${complaint}`);
    figures.push(
      mustHold(`refused: ${name}`, isClear ? "in words" : complaint.slice(0, 60), "in words", isClear),
    );
  }
  const isUntouched = JSON.stringify(await release.pods()) === before;
  figures.push(mustHold("refused values touched", isUntouched ? "no pod" : "pods", "no pod", isUntouched));
  await refuseNewerJournal(session);
}

async function refusalOf({ release }: Session, change: Values): Promise<string> {
  try {
    await release.upgrade(change, { timeoutSeconds: 60 });
  } catch (error) {
    return complaintOf(error).replaceAll(/\s+/g, " ");
  }
  throw new Error("helm accepted what it should have refused");
}

interface Template {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly ({ readonly name: string; readonly image: string } & Values)[];
        readonly volumes: readonly object[];
      } & Values;
    };
  };
}

const journalPod = "newer-journal";
/** EX_DATAERR. */
const exitRefused = 65;

/** A matcher on a journal that a later version wrote: ends with 65 and says so in its last line. */
async function refuseNewerJournal({ cluster, figures, release, say }: Session): Promise<void> {
  const { spec } = await cluster.json<Template>(["get", "statefulset", `${release.fullname}-matcher`]);
  await cluster.apply(newerJournalPod(spec.template.spec));
  try {
    const reason = await untilEnded();
    const isRefused = reason.includes(`exit ${exitRefused}`) && /format|version|newer/i.test(reason);
    say(`a journal of a newer format: ${reason}`);
    figures.push(
      mustHold(
        "refused: a journal of a newer format",
        isRefused ? `exit ${exitRefused}, in words` : reason.slice(0, 60),
        `exit ${exitRefused}, in words`,
        isRefused,
      ),
    );
  } finally {
    await cluster
      .uninterrupted()
      .kubectl(["delete", "pod", journalPod, "--ignore-not-found", "--grace-period=1"]);
  }

  function untilEnded(): Promise<string> {
    const look = async () => {
      const pod = await cluster.json<Parameters<typeof reasonOf>[0]>(["get", "pod", journalPod]);
      const reason = reasonOf(pod);
      return reason?.includes("exit") === true ? reason : undefined;
    };
    const orElse = () => "the matcher did not refuse a journal of a newer format";
    return until(look, { seconds: 90, everyMs: 500, orElse });
  }
}

/** The pod of a matcher as it is installed, on an empty volume into which a newer journal is written first. */
function newerJournalPod(spec: Template["spec"]["template"]["spec"]): object {
  const [matcher, ...others] = spec.containers;
  if (matcher === undefined || others.length > 0)
    throw new Error("the matcher's pod should have one container");
  const {
    lifecycle: _lifecycle,
    livenessProbe: _live,
    readinessProbe: _ready,
    startupProbe: _startup,
    ...plain
  } = matcher;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: journalPod, labels: { "apps.kubernetes.io/pod-index": "0" } },
    spec: {
      ...spec,
      restartPolicy: "Never",
      topologySpreadConstraints: [],
      affinity: {},
      initContainers: [
        {
          name: "newer",
          image: plain.image,
          imagePullPolicy: "IfNotPresent",
          command: ["node", "-e", newerJournalScript("/var/lib/bourse")],
          securityContext: restrictedContainer,
          volumeMounts: [{ name: "data", mountPath: "/var/lib/bourse" }],
        },
      ],
      containers: [plain],
      volumes: [...spec.volumes, { name: "data", emptyDir: {} }],
    },
  };
}
