// What `npm start` prints.
import type { Mesh } from "@bourse/local/mesh.js";

/** A demo user as the report shows it. */
export interface ShownUser {
  readonly name: string;
  readonly userId: string;
  readonly token: string;
  readonly balances: readonly string[];
}

/** Table of everything that runs: what, where, ready after how long. */
export function partsTable(mesh: Mesh): string {
  const rows = [["what", "address", "ready after"]];
  for (const [name, ms] of mesh.readyAfterMs) {
    rows.push([name, addressesOf(mesh, name), `${(ms / 1_000).toFixed(1)} s`]);
  }
  return table(rows);
}

/** The demo users and three commands to try. */
export function usersAndCommands(mesh: Mesh, users: readonly ShownUser[], hasBots: boolean): string {
  const people = users.map(
    ({ balances, name, token, userId }) =>
      `${name}  ${userId}\n  balances  ${balances.length === 0 ? "-" : balances.join(", ")}\n  token     ${token}`,
  );
  return `${people.join("\n\n")}\n\n${commands(mesh, hasBots)}`;
}

function commands({ running }: Mesh, hasBots: boolean): string {
  const order = hasBots
    ? `{"symbol":"BTC/USDT","side":"SIDE_BUY","type":"ORDER_TYPE_MARKET","quantity":"0.001"}`
    : `{"symbol":"BTC/USDT","side":"SIDE_BUY","type":"ORDER_TYPE_LIMIT","price":"50000","quantity":"0.001"}`;
  return [
    "Three commands to try:",
    "",
    "  export TOKEN=$(npm run --silent token -- --user alice)",
    "",
    "  # 1  watch the trades of a market (gRPC, in another terminal)",
    `  grpcurl -plaintext -d '{"symbol":"BTC/USDT"}' ${running.grpcAddress} bourse.market_data.v1.MarketDataService/StreamTrades`,
    "",
    `  # 2  ${hasBots ? "buy" : "place an order"} (REST)`,
    `  curl -s ${running.httpUrl}/api/v1/orders -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '${order}'`,
    "",
    "  # 3  list your orders (Connect)",
    `  curl -s ${running.httpUrl}/bourse.order_gateway.v1.OrderGatewayService/ListOrders -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{}'`,
  ].join("\n");
}

function addressesOf(mesh: Mesh, name: string): string {
  const { admin, grpc, http } = mesh.ports(name);
  if (name === "postgres") return `127.0.0.1:${admin}`;
  return [
    ...(http === undefined ? [] : [`http://127.0.0.1:${http}`]),
    ...(grpc === undefined ? [] : [`127.0.0.1:${grpc} (gRPC)`]),
    `:${admin} (operations)`,
  ].join("  ");
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `  ${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("   ")
          .trimEnd()}`,
    )
    .join("\n");
}
