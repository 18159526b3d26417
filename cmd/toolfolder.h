/* Where the capture tool lies. */
#ifndef CMD_TOOLFOLDER_H
#define CMD_TOOLFOLDER_H

/* Next to the command in the build tree, or where it was installed; to be freed. */
char *tool_folder(void);

#endif
