// One listening port, WORKERS processes behind it.
import cluster from "node:cluster";

export async function serve(start) {
  const workers = Number(process.env.WORKERS ?? 1);
  if (workers > 1 && cluster.isPrimary) {
    for (let i = 0; i < workers; i++) cluster.fork();
    process.on("SIGTERM", () => process.exit(0));
    return;
  }
  process.on("SIGTERM", () => process.exit(0));
  process.on("disconnect", () => process.exit(0));
  await start(Number(process.env.PORT));
}
