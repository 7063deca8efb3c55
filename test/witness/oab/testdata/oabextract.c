/* oabextract IN OUT: decompresses a full offline address book file with libmspack. */
#include <mspack.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct msoab_decompressor *d = mspack_create_oab_decompressor(NULL);
	int error;

	if (argc != 3 || d == NULL)
		return 2;
	error = d->decompress(d, argv[1], argv[2]);
	mspack_destroy_oab_decompressor(d);
	if (error != MSPACK_ERR_OK)
		fprintf(stderr, "libmspack error %d\n", error);
	return error != MSPACK_ERR_OK;
}
