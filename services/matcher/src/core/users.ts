// Users by number, in the order in which they were first seen: a number is what orders and counters carry.
import { hashId, idText, parseIdInto } from "./ids.js";

const USERS_MIN = 64;

export interface Users {
  count: number;
  /** Four words of each user's id. */
  words: Int32Array;
  /** Open addressing by id: number + 1, 0 is free. */
  table: Int32Array;
}

export function createUsers(): Users {
  return { count: 0, words: new Int32Array(USERS_MIN * 4), table: new Int32Array(USERS_MIN * 2) };
}

const looked = new Int32Array(4);

/** Number of a user, or -1. */
export function findUser(users: Users, text: string): number {
  parseIdInto(looked, 0, text);
  return users.table[cellOf(users, looked[0], looked[1], looked[2], looked[3])] - 1;
}

/** Number of a user, given on first sight. */
export function userOfText(users: Users, text: string): number {
  parseIdInto(looked, 0, text);
  return userOfWords(users, looked[0], looked[1], looked[2], looked[3]);
}

/** The same by the words of the id, as signed integers. */
export function userOfWords(users: Users, a: number, b: number, c: number, d: number): number {
  const cell = cellOf(users, a, b, c, d);
  if (users.table[cell] !== 0) return users.table[cell] - 1;
  const number = users.count;
  if (number * 4 === users.words.length) grow(users);
  users.words[number * 4] = a;
  users.words[number * 4 + 1] = b;
  users.words[number * 4 + 2] = c;
  users.words[number * 4 + 3] = d;
  users.count += 1;
  users.table[cellOf(users, a, b, c, d)] = number + 1;
  return number;
}

/** Id of a user as canonical text. */
export function userText(users: Users, number: number): string {
  return idText(users.words, number * 4);
}

function cellOf({ words, table }: Users, a: number, b: number, c: number, d: number): number {
  const mask = table.length - 1;
  let cell = hashId(a, b, c, d) & mask;
  for (; table[cell] !== 0; cell = (cell + 1) & mask) {
    const at = (table[cell] - 1) * 4;
    if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) break;
  }
  return cell;
}

function grow(users: Users): void {
  const words = new Int32Array(users.words.length * 2);
  words.set(users.words);
  users.words = words;
  users.table = new Int32Array(users.table.length * 2);
  for (let number = 0; number < users.count; number += 1) {
    const at = number * 4;
    const cell = cellOf(users, words[at], words[at + 1], words[at + 2], words[at + 3]);
    users.table[cell] = number + 1;
  }
}
