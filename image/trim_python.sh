#!/bin/sh
# Remove from an environment what a load never touches: tests, headers, other people's protocols, AWS services not called.
# usage: trim_python.sh ENVIRONMENT
set -eu
cd "$1"/lib/python3*/site-packages

# Tests and headers of the libraries. pandas.testing and numpy.testing stay: they are imported by the packages themselves.
rm -rf pandas/tests numpy/*/tests numpy/tests pyarrow/tests pysail/tests pysail/examples pysail/docs sqlalchemy/testing
rm -rf numpy/_core/include numpy/f2py pyarrow/include pyarrow/includes pyarrow/src
find pyarrow numpy pandas \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.a' \) -delete

# Arrow Flight and Arrow's own S3 client. Substrait looks as unused, but libarrow_python is linked to it.
rm -f pyarrow/libarrow_flight* pyarrow/_flight* pyarrow/flight.py pyarrow/libarrow_s3* pyarrow/_s3fs*
# One file under three names: the loader asks for the one that ends with the major version.
rm -f pyarrow/libarrow_python*.so pyarrow/libarrow_python*.so.*.*

# CPython uses the C extension; the other is for PyPy.
rm -f zstandard/_cffi* zstandard/backend_cffi.py

# botocore describes every AWS service; these are the ones that the pipeline, and signing in to AWS, call.
for service in botocore/data/*/; do
  case $(basename "$service") in
    s3 | rds | sns | sqs | sts | sso | sso-oidc | signin | secretsmanager) ;;
    *) rm -rf "$service" ;;
  esac
done

# PySpark's examples and cluster scripts. pyspark.testing stays: pyspark itself imports it.
rm -rf pyspark/examples pyspark/data pyspark/sbin

# Symbols for debuggers. Only where the libraries were not rewritten after linking, which strip does not survive.
strip --strip-unneeded pyarrow/*.so* fastavro/*.so zstandard/*.so yaml/*.so _awscrt*.so
