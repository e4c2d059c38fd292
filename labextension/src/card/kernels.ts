import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { IOpen } from '../context';
import { readRunId } from './bundle';

/** What kernels call to have the tab of a run opened. */
const TARGET = 'flotilla.open';

/** Open the tab of a run where the kernel of a session asks for it. */
export function openAsTold(session: ISessionContext, open: Pick<IOpen, 'run'>): void {
  const listen = (kernel: Kernel.IKernelConnection | null | undefined) => {
    kernel?.registerCommTarget(TARGET, (comm: Kernel.IComm, message: KernelMessage.ICommOpenMsg) => {
      const runId = readRunId(message.content.data['run_id']);
      if (runId) {
        open.run(runId);
      }
      // `create_comm(…).close()` has closed it already
      comm.dispose();
    });
  };
  listen(session.session?.kernel);
  session.kernelChanged.connect((_, { newValue }) => listen(newValue));
}
