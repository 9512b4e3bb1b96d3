// `npm run token -- --user alice`: an access token, signed with the key of the exchange on this machine.
import { homeFolder } from "@bourse/local/home.js";
import { makeToken } from "@bourse/local/keys.js";
import { parseClaims } from "./dev/token-claims.js";

console.log(await makeToken(homeFolder(), parseClaims(process.argv.slice(2))));
