// Apart from bin/hearth because a very old Node cannot even parse import().
import("../dist/main.js").catch((error) => {
  process.stderr.write(`hearth could not start: ${error?.stack ?? error}\n`);
  process.exitCode = 1;
});
