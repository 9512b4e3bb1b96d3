// One order from end to end on a running exchange: money in, a sell, a buy at the same price, both filled,
// both balances right to the atom. Run by `helm test`; may run for ever again. The last line says why it
// failed.
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { runSmoke } from "./smoke/run.js";

const names = [
  "BOURSE_ADDRESS",
  "SMOKE_SYMBOL",
  "SMOKE_PRICE",
  "OPERATOR_TOKEN",
  "BUYER_TOKEN",
  "SELLER_TOKEN",
] as const;
/** All of it together; an exchange that needs longer is not well. */
const secondsMax = 90;

async function main(): Promise<void> {
  const missing = names.filter((name) => (process.env[name] ?? "") === "");
  if (missing.length > 0) throw new Error(`not set: ${missing.join(", ")}`);
  const value = (name: (typeof names)[number]) => process.env[name] ?? "";
  await runSmoke({
    address: value("BOURSE_ADDRESS"),
    symbol: value("SMOKE_SYMBOL"),
    price: value("SMOKE_PRICE"),
    operatorToken: value("OPERATOR_TOKEN"),
    buyerToken: value("BUYER_TOKEN"),
    sellerToken: value("SELLER_TOKEN"),
    signal: AbortSignal.timeout(secondsMax * 1_000),
    clock: systemClock,
    say: (line) => console.log(line),
  });
}

try {
  await main();
  console.log("ok: an order was placed, filled and settled");
} catch (error) {
  console.error(`failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
