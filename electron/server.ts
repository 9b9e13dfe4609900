import fs from 'node:fs';
import path from 'node:path';
import { type RunningServer, startServer } from './api/transports/server.ts';
import { UserError } from './base/errors.ts';
import { packageFile } from './base/paths.ts';
import { Studio } from './studio/studio.ts';

export interface ServeOptions {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly exposed: boolean;
}

export interface ServedStudio extends RunningServer {
  /** Whether any run trains in this process: to close it takes until that is saved. */
  readonly isTraining: boolean;
}

/** Opens a studio and serves it to browsers. @throws UserError when the page is not built, or the port is taken */
export async function serve({ home, ...where }: ServeOptions): Promise<ServedStudio> {
  const pages = packageFile('dist/renderer');
  if (!fs.existsSync(path.join(pages, 'index.html'))) {
    throw new UserError("The studio's page is not built: run `npm run build` and try again.");
  }
  const studio = Studio.open(home);
  try {
    const server = await startServer({ ...where, pages, context: { studio } });
    return {
      ...server,
      get isTraining() {
        return studio.isTraining;
      },
      async close() {
        await server.close();
        await studio.shutdown();
      },
    };
  } catch (error) {
    studio.close();
    throw error;
  }
}
