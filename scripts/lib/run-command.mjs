import { StepError } from "./fresh.mjs";

/** Runs a command; what a person can act on is shown as a message, all else with its stack. Exit code 1 then. */
export async function runCommand(command) {
  try {
    await command();
  } catch (error) {
    // StartError comes from compiled code that may not exist yet, so it is known by name.
    const isForPeople = error instanceof StepError || error?.name === "StartError";
    console.error(isForPeople ? error.message : error);
    process.exitCode = 1;
  }
}
