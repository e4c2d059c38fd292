import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Menu } from '@lumino/widgets';

/**
 * Show the menu of a row.
 *
 * @param names - Its commands, in order; null: a line.
 * @param id - What they are for.
 * @param onClose - Called where the focus is nowhere then.
 */
export function showMenu(
  { commands }: JupyterFrontEnd,
  names: readonly (string | null)[],
  id: string,
  place: { x: number; y: number },
  onClose: () => void
): void {
  const menu = new Menu({ commands });
  for (const command of names) {
    menu.addItem(command ? { command, args: { id } } : { type: 'separator' });
  }
  menu.aboutToClose.connect(() => {
    // the command runs, and may ask, after that
    requestAnimationFrame(() => {
      menu.dispose();
      if (document.activeElement === document.body) {
        onClose();
      }
    });
  });
  menu.open(place.x, place.y);
}
