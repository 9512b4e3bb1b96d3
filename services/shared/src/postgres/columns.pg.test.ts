import { expect, test } from "vitest";
import { freshDatabase } from "../testing/postgres.js";
import { atomsOfNumeric, formatAtoms, numericOfAtoms } from "../units/atoms.js";
import { columns } from "./columns.js";

test("what goes in as rows comes out as rows", async () => {
  const database = await freshDatabase();
  try {
    const rows = [
      { id: 1, text: "plain", amount: "12.50000000", bytes: new Uint8Array([0, 34, 92, 255]), isSet: true },
      {
        id: 2n,
        text: 'quo"te, back\\slash {brace}',
        amount: "-0.00000001",
        bytes: new Uint8Array(),
        isSet: false,
      },
      { id: 9_007_199_254_740_991, text: "NULL", amount: "0", bytes: undefined, isSet: null },
      { id: -4, text: "", amount: undefined, bytes: new Uint8Array(40).subarray(3, 5), isSet: undefined },
      { id: 5, text: "ü→𝄞\n\t' ", amount: "99999999999999999999.99999999", bytes: undefined, isSet: true },
    ];
    const { rows: stored } = await database.pool.query({
      text: `SELECT * FROM unnest($1::bigint[], $2::text[], $3::numeric[], $4::bytea[], $5::boolean[])
                    AS u(id, text, amount, bytes, is_set)`,
      values: columns(rows, 5, (row) => [row.id, row.text, row.amount, row.bytes, row.isSet]),
    });
    expect(stored).toEqual(
      rows.map(({ id, text, amount, bytes, isSet }) => ({
        id: Number(id),
        text,
        amount: amount ?? null,
        bytes: bytes === undefined ? null : Buffer.from(bytes),
        is_set: isSet ?? null,
      })),
    );
  } finally {
    await database.drop();
  }
});

test("atoms for a statement are the NUMERIC that their canonical text is", async () => {
  const database = await freshDatabase();
  try {
    const atoms = [0n, 1n, -1n, 100_000_000n, 10n ** 30n - 1n, -(10n ** 30n)];
    const { rows } = await database.pool.query({
      text: "SELECT a::numeric(38, 8)::text AS a, a = b AS is_same FROM unnest($1::numeric[], $2::numeric[]) AS u(a, b)",
      values: columns(atoms, 2, (each) => [numericOfAtoms(each), formatAtoms(each)]),
    });
    expect(rows.map(({ is_same: isSame }) => isSame)).toEqual(atoms.map(() => true));
    expect(rows.map(({ a }) => atomsOfNumeric(a))).toEqual(atoms);
  } finally {
    await database.drop();
  }
});

test("no rows are empty arrays", () => {
  expect(columns([], 2, () => [])).toEqual(["{}", "{}"]);
});
