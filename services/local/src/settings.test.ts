import { expect, test } from "vitest";
import { defaultSettingsFile, readSettings } from "./settings.js";

test("every port that is none is named, and nothing else", () => {
  const env = {
    BOURSE__WALLET__GRPC_PORT: "450052",
    BOURSE__MARKET_DATA__ADMIN_PORT: "0",
    BOURSE__SHARDS: '[{"shard":0,"address":"127.0.0.1:x"}]',
  };
  expect(() => readSettings(defaultSettingsFile, env)).toThrow(
    /^settings cannot work:\n {2}wallet\.grpcPort: must be a port, 1 to 65535\n {2}marketData\.adminPort: .*\n {2}shards \(shard 0\): .*$/,
  );
});

test("a port that is given twice is named with both of its settings", () => {
  const env = { BOURSE__WALLET__GRPC_PORT: "50053" };
  expect(() => readSettings(defaultSettingsFile, env)).toThrow(
    "port 50053 is given to both wallet.grpcPort and marketData.grpcPort",
  );
});
