import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { BadRequestSchema } from "../gen/google/rpc/error_details_pb.js";
import { DomainError } from "./domain-error.js";
import { toGrpcError, toStatus } from "./to-wire.js";

test("a field is described by the problem, else by the failure's text", () => {
  const described = (facts: Record<string, string>) =>
    toStatus(new DomainError("INVALID_FIELD", facts))
      .details.map((detail) => anyUnpack(detail, BadRequestSchema))
      .flatMap((request) => request?.fieldViolations.map(({ description }) => description) ?? []);
  expect(described({ field: "items", problem: "no more than 20" })).toEqual(["no more than 20"]);
  expect(described({ field: "items" })).toEqual(["a field is malformed"]);
  expect(described({})).toEqual([]);
});

test("a refusal by a limit says in the trailers what is left of it; no other failure does", () => {
  const limited = new DomainError("RATE_LIMITED", { limit: "10", remaining: "0", reset: "1" });
  expect(toGrpcError(limited).metadata?.get("ratelimit")).toEqual(["limit=10, remaining=0, reset=1"]);
  expect(toGrpcError(new DomainError("INVALID_FIELD", { limit: "20" })).metadata?.get("ratelimit")).toEqual(
    [],
  );
});
