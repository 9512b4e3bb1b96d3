// A supervisor for the test that kills one: starts an exchange on the given folder, says so, and waits.
import { startMesh } from "../mesh.js";

const mesh = await startMesh({ home: process.argv[2] ?? "", ports: "free", isDurable: false });
console.log("ready");
throw await mesh.failed;
