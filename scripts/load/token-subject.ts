// What a token says of its user. Only read: whoever is asked to act on a token verifies it.

/** The `sub` of a JWT. Throws when the text is none. */
export function subjectOf(token: string): string {
  return claimOf(token, "sub") ?? noToken();
}

/** The `tier` of a JWT, "basic" when it names none. Throws when the text is none. */
export function tierOf(token: string): string {
  return claimOf(token, "tier") ?? "basic";
}

function claimOf(token: string, name: "sub" | "tier"): string | undefined {
  const body = token.split(".")[1] ?? "";
  try {
    const claims = JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as Record<string, unknown>;
    const claim = claims[name];
    return typeof claim === "string" ? claim : undefined;
  } catch {
    // Without a part of the token.
    return noToken();
  }
}

function noToken(): never {
  throw new Error("a token is no JWT with a subject");
}
