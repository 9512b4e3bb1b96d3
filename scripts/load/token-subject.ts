// The user that a token speaks for. Only read: whoever is asked to act on a token verifies it.

/** The `sub` of a JWT. Throws when the text is none. */
export function subjectOf(token: string): string {
  const body = token.split(".")[1] ?? "";
  try {
    const { sub } = JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as { sub?: unknown };
    if (typeof sub === "string") return sub;
  } catch {
    // Said below, without a part of the token.
  }
  throw new Error("a token is no JWT with a subject");
}
