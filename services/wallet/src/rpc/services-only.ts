// The wallet's doors are for services: a person's token, or a page in a browser, never moves money here.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { type Guard, refusedBefore } from "@bourse/shared/rpc/call.js";

/**
 * Refuses with FORBIDDEN what comes for a user: services bring no token, their certificate says who they are. A
 * browser that was led to this machine's own port names its page's origin with every call that could change
 * something.
 */
export const servicesOnly: Guard = (call) => {
  const isUser = call.header("authorization") !== undefined || call.header("origin") !== undefined;
  if (isUser)
    throw refusedBefore(
      call.method,
      new DomainError("FORBIDDEN", { problem: "only services call the wallet" }),
    );
};
