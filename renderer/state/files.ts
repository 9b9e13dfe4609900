/** Told while a file is on its way: bytes. */
export type OnProgress = (sentBytes: number, totalBytes: number) => void;

/** Sends a file to the studio, which may be on another machine. @returns its path there */
function upload(file: File, onProgress: OnProgress, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', new URL(`uploads/${encodeURIComponent(file.name)}`, document.baseURI));
    request.upload.onprogress = ({ loaded }) => onProgress(loaded, file.size);
    request.onload = () =>
      request.status === 200 ? resolve(request.responseText) : reject(new Error(request.responseText.trim()));
    request.onerror = () => reject(new Error(`${file.name} could not be uploaded: the studio can’t be reached.`));
    request.onabort = () => reject(new DOMException('Cancelled', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

/** Paths of files as the studio knows them: where it is the window's own program they stay where they are. */
export async function pathsOf(files: readonly File[], onProgress: OnProgress, signal: AbortSignal): Promise<string[]> {
  const { trainyard } = window;
  if (trainyard) return files.map((file) => trainyard.pathOf(file)).filter((path) => path !== '');
  const total = files.reduce((n, f) => n + f.size, 0);
  let before = 0;
  const paths: string[] = [];
  for (const file of files) {
    paths.push(await upload(file, (sent) => onProgress(before + sent, total), signal));
    before += file.size;
  }
  return paths;
}

const entriesOf = (reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> =>
  new Promise((resolve, reject) => reader.readEntries(resolve, reject));

async function filesIn(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile)
    return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  // It gives some at a time, and an empty list at the end.
  for (let some = await entriesOf(reader); some.length > 0; some = await entriesOf(reader))
    for (const each of some) if (!each.name.startsWith('.')) found.push(...(await filesIn(each)));
  return found;
}

/** Files that were dropped; of a folder all that are in it, where only their content can be had. */
export async function droppedFiles(dropped: DataTransfer): Promise<File[]> {
  if (window.trainyard) return [...dropped.files];
  // To be asked for before anything is waited for: what was dropped is gone then.
  const found = [...dropped.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const files = found.map((each) => (each instanceof File ? [each] : each ? filesIn(each) : []));
  return (await Promise.all(files)).flat();
}
