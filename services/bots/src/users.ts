/** Users of the demo. Their ids never change, so that a second start finds their orders and balances. */
export const botUsers = {
  makers: ["00000000-0000-4000-8000-0000000000b1", "00000000-0000-4000-8000-0000000000b2"],
  takers: ["00000000-0000-4000-8000-0000000000b3", "00000000-0000-4000-8000-0000000000b4"],
} as const;

export const allBotUsers: readonly string[] = [...botUsers.makers, ...botUsers.takers];
